import { describe, expect, it } from 'vitest';
import type { FailureClass } from './classes.ts';
import type { TelegramMeaning } from './telegram.ts';
import { classifyRefund, classifyTelegram } from './telegram.ts';

function said(errorCode: number, description: string, retryAfter?: number) {
  return classifyTelegram({ httpStatus: errorCode, errorCode, description, retryAfter });
}

describe('an answer of the Bot API', () => {
  it.each<[number, string, TelegramMeaning, FailureClass]>([
    [400, 'Bad Request: message to edit not found', 'missing-message', 'delivery-file'],
    [400, "Bad Request: message can't be edited", 'missing-message', 'delivery-file'],
    [403, 'Forbidden: bot was blocked by the user', 'unreachable', 'delivery-blocked'],
    [403, "Forbidden: bot can't initiate conversation with a user", 'unreachable', 'delivery-blocked'],
    [403, "Forbidden: bot can't send messages to the user", 'retry-later', 'delivery-blocked'],
    [403, 'Forbidden: user is deactivated', 'unreachable', 'delivery-gone'],
    [400, 'Bad Request: chat not found', 'unreachable', 'delivery-gone'],
    [400, 'Bad Request: PEER_ID_INVALID', 'unreachable', 'delivery-gone'],
    [413, 'Request Entity Too Large', 'refused', 'delivery-size'],
    [400, 'Bad Request: file is too big', 'refused', 'delivery-size'],
    [400, 'Bad Request: wrong file identifier/HTTP URL specified', 'refused', 'delivery-file'],
    [400, 'Bad Request: failed to get HTTP URL content', 'refused', 'delivery-file'],
    [400, 'Bad Request: something new', 'refused', 'delivery-file'],
    [401, 'Unauthorized', 'retry-later', 'delivery-token'],
    [404, 'Not Found', 'retry-later', 'delivery-token'],
  ])('%i "%s" means %s (%s), for certain', (code, description, meaning, failure) => {
    expect(said(code, description)).toMatchObject({ meaning, class: failure, answered: true });
  });

  it('"message is not modified" means that the edit is in place', () => {
    const words = 'Bad Request: message is not modified: specified new message content is exactly the same';
    expect(said(400, words)).toMatchObject({ meaning: 'done', answered: true });
  });

  it('429 was not accepted and names its own pause', () => {
    const verdict = said(429, 'Too Many Requests: retry after 17', 17);
    expect(verdict).toEqual({ class: 'delivery-flood', answered: true, meaning: 'retry-later', retryAfterSeconds: 17 });
  });
});

describe('a call without a definite answer', () => {
  it.each([
    ['a 500 in the Bot API shape', { httpStatus: 500, errorCode: 500, description: 'Internal Server Error' }],
    ['a page of HTML', { httpStatus: 502 }],
    ['HTTP 200 that cannot be read', { httpStatus: 200 }],
    ['HTTP 403 from something in front of it', { httpStatus: 403 }],
    ['a reset connection', { networkError: 'ECONNRESET' }],
    ['a broken pipe', { networkError: 'EPIPE' }],
    ['a timeout', { networkError: 'TimeoutError' }],
    ['a connection spoiled on its way', { networkError: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' }],
    ['an alert after the handshake', { networkError: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }],
  ])('%s says nothing about it', (_what, seen) => {
    expect(classifyTelegram(seen)).toEqual({ class: 'delivery-network', answered: false, meaning: 'unknown' });
  });

  it.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('%s means that it surely never left', (networkError) => {
    expect(classifyTelegram({ networkError })).toMatchObject({ answered: true, meaning: 'retry-later' });
  });
});

describe('a refund of Stars', () => {
  const asked = (seen: Parameters<typeof classifyTelegram>[0]) =>
    classifyRefund(classifyTelegram(seen).meaning, seen.description ?? '');

  it('that was made before is done', () => {
    const description = 'Bad Request: CHARGE_ALREADY_REFUNDED';
    expect(asked({ httpStatus: 400, errorCode: 400, description })).toBe('done');
  });

  it.each([
    'Bad Request: CHARGE_NOT_FOUND',
    'Bad Request: CHARGE_ID_EMPTY',
    'Bad Request: USER_ID_INVALID',
    'Bad Request: invalid user_id specified',
  ])('is refused for good by "%s"', (description) => {
    expect(asked({ httpStatus: 400, errorCode: 400, description })).toBe('refused');
  });

  it.each([
    ['a word we have not met', { httpStatus: 400, errorCode: 400, description: 'Bad Request: BALANCE_TOO_LOW' }],
    ['a person who blocked the bot', { errorCode: 403, description: 'Forbidden: bot was blocked by the user' }],
    ['too many requests', { errorCode: 429, description: 'Too Many Requests: retry after 3', retryAfter: 3 }],
    ['a revoked token', { httpStatus: 401, errorCode: 401, description: 'Unauthorized' }],
    ['an error of the server', { httpStatus: 500, errorCode: 500, description: 'CHARGE_NOT_FOUND' }],
    ['a reset connection', { networkError: 'ECONNRESET' }],
  ])('is asked for again after %s', (_what, seen) => {
    expect(asked(seen)).toBe('later');
  });
});
