import { describe, expect, it } from 'vitest';
import type { FailureClass } from './classes.ts';
import { failureClasses, policyOf } from './classes.ts';
import { classifyKie } from './kie.ts';

/** A task that failed: what KIE put into failCode and failMsg. The root says "success", as it does. */
function failedTask(failCode: string, failMsg: string) {
  return classifyKie({ where: 'task', taskState: 'fail', failCode, failMsg, code: 200, message: 'success' }).class;
}

function refusedCreate(code: number, message: string) {
  return classifyKie({ where: 'create', httpStatus: 200, code, message });
}

describe('the ten that the old bot got wrong', () => {
  it.each<[string, FailureClass, FailureClass]>([
    ['a prohibited prompt', failedTask('422', 'Invalid prompt: prompt contains prohibited content'), 'user-prompt'],
    [
      'people in the photo',
      failedTask('400', 'We currently do not support uploads of images containing photorealistic people'),
      'user-person',
    ],
    [
      'a brand under a 500',
      failedTask('500', 'This content may violate our guardrails concerning similarity to third-party content.'),
      'user-brand',
    ],
    [
      'still generating at the timeout',
      classifyKie({ where: 'task', taskState: 'generating', code: 200, message: 'success' }).class,
      'provider-timeout',
    ],
    ['a paused model', refusedCreate(500, 'This interface is temporarily paused').class, 'operator-model'],
    ['a bad key', refusedCreate(401, 'You do not have access permissions').class, 'operator-key'],
    [
      'an unknown model',
      refusedCreate(422, 'The model name you specified is not supported. Please check.').class,
      'operator-model',
    ],
    ['a rate limit', refusedCreate(429, 'Request limit has been exceeded for this resource').class, 'provider-rate'],
    ['a read timeout', classifyKie({ where: 'create', message: 'The read operation timed out' }).class, 'ambiguous'],
    [
      'a bad request of ours',
      classifyKie({ where: 'record', httpStatus: 400, code: 400, message: 'taskId parameter is required' }).class,
      'operator-request',
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('a failed task is classed by its words', () => {
  it.each<[string, string, FailureClass]>([
    ['400', 'Upload may depict a realistic human. Please try again without humans in the frame.', 'user-person'],
    ['422', 'photorealistic people detected', 'user-person'],
    ['400', 'InputImageSensitiveContentDetected.PrivacyInformation', 'user-person'],
    [
      '400',
      'The request failed because the input image may contain real person. Request id: 02a (Type: BadRequest)',
      'user-person',
    ],
    [
      '422',
      'images or videos provided may contain likenesses of real people or other private information',
      'user-person',
    ],
    ['400', 'public error prominent people upload', 'user-person'],
    ['400', 'PUBLIC_ERROR_PROMINENT_PEOPLE_UPLOAD', 'user-person'],
    ['400', 'PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED', 'user-brand'],
    ['400', 'public error minor upload', 'user-minor'],
    ['400', 'PUBLIC_ERROR_MINOR_UPLOAD', 'user-minor'],
    ['400', 'video contains minor', 'user-minor'],
    ['400', 'minor content not allowed', 'user-minor'],
    ['400', 'public error unsafe image upload.', 'user-policy'],
    ['400', 'Your prompt was flagged by Website as violating content policies.', 'user-prompt'],
    [
      '422',
      'Your request was rejected by Flow(PUBLIC_ERROR_MINOR_UPLOAD). You may consider using our other fallback channels',
      'user-minor',
    ],
    [
      '422',
      'Your request was rejected by Flow(something new). You may consider using our other fallback channels',
      'user-prompt',
    ],
    ['400', 'PUBLIC_ERROR_AUDIO_FILTERED', 'user-prompt'],
    ['400', 'PUBLIC_ERROR_UNSAFE_GENERATION', 'user-prompt'],
    ['400', 'PUBLIC_ERROR_SEXUAL', 'user-prompt'],
    ['400', 'PUBLIC_ERROR_IP_INPUT_IMAGE', 'user-brand'],
    ['400', 'PUBLIC_ERROR_COPYRIGHTED_MATERIAL', 'user-brand'],
    ['400', 'celebrity detected in image', 'user-brand'],
    ['400', 'third-party content violation', 'user-brand'],
    ['400', 'Your content was flagged by OpenAI as violating content policies', 'user-policy'],
    ['400', 'The image content in filesUrl violates content policy', 'user-policy'],
    ['400', 'Your prompt was caught by our AI moderator. Please adjust it and try again!', 'user-prompt'],
    ['1301', 'Trigger the content security policy of the platform', 'user-policy'],
    ['422', 'video description contains sensitive content', 'user-prompt'],
    ['400', 'nudity detected', 'user-policy'],
    ['422', 'aspect ratio must be between 0.4 and 2.5', 'user-photo'],
    ['422', 'File type not supported', 'user-photo'],
    ['400', 'Image size exceeds maximum of 26214400 bytes', 'user-photo'],
    ['400', "We couldn't process the provided image file (code=invalid_image_format)", 'user-photo'],
    ['400', 'Only English prompts are supported at this time.', 'operator-request'],
    [
      '400',
      'Failed to fetch the image. Kindly verify any access limits set by you or your service provider.',
      'operator-url',
    ],
    ['500', 'resource download failed', 'operator-url'],
    ['402', 'Credits insufficient', 'operator-balance'],
    ['500', 'server is busy', 'provider-busy'],
    ['500', 'Server exception', 'provider-internal'],
    ['500', 'Internal Error, Please try again later.', 'provider-internal'],
    ['501', 'Generation Failed', 'provider-internal'],
    ['500', 'Internal Error - Timeout', 'provider-timeout'],
    ['400', 'sentinel_block: Unable to process request', 'provider-internal'],
  ])('%s %s', (failCode, failMsg, expected) => {
    expect(failedTask(failCode, failMsg)).toBe(expected);
  });

  it('and, without words, by its code, which never blames the user', () => {
    expect(failedTask('408', '')).toBe('provider-timeout');
    expect(failedTask('501', '')).toBe('provider-internal');
    expect(failedTask('', '')).toBe('provider-internal');
    for (const code of ['400', '422', '451', '500', '999', 'x']) {
      for (const text of ['', 'Something nobody has seen before', 'person', 'policy of retention', 'a minor hiccup']) {
        expect(policyOf(failedTask(code, text)).fault, `${code} ${text}`).not.toBe('user');
      }
    }
  });

  it('reads the root text only when the root code is an error', () => {
    const root = { where: 'task', taskState: 'fail', failCode: '', failMsg: '' } as const;
    expect(classifyKie({ ...root, code: 501, message: 'photorealistic people detected' }).class).toBe('user-person');
    expect(classifyKie({ ...root, code: 200, message: 'photorealistic people detected' }).class).toBe(
      'provider-internal',
    );
  });
});

describe('a create', () => {
  it.each<[number, string, FailureClass]>([
    [400, 'The input image may contain real person.', 'user-person'],
    [500, 'This field is required', 'operator-request'],
    [500, 'duration is not within the range of allowed options', 'operator-request'],
    [422, 'Ratio error', 'operator-request'],
    [422, 'Validation failed', 'operator-request'],
    [500, 'video quality cannot be empty', 'operator-request'],
    [402, 'The current credits are insufficient. Please top up.', 'operator-balance'],
    [429, 'The current credits are insufficient. Please top up.', 'operator-balance'],
    [402, 'insufficient balance (1008)', 'operator-balance'],
    [401, 'Unauthorized', 'operator-key'],
    [505, 'x', 'operator-model'],
    [429, 'Rate limit exceeded', 'provider-rate'],
    [433, 'x', 'provider-rate'],
    [451, 'x', 'operator-url'],
    [455, 'x', 'provider-busy'],
    [455, 'The service is under maintenance. Please try again later.', 'provider-busy'],
  ])('refused by %i "%s" surely made no task', (code, message, expected) => {
    expect(refusedCreate(code, message)).toMatchObject({ class: expected, certain: true });
  });

  it.each([
    [
      'code 500 with any other words',
      { code: 500, message: 'Internal Error, Please try again later.', httpStatus: 200 },
    ],
    ['code 500 "Server exception"', { code: 500, message: 'Server exception', httpStatus: 200 }],
    ['a busy server under a 500', { code: 500, message: 'server is busy', httpStatus: 200 }],
    ['a rate limit under a 500', { code: 500, message: 'call frequency is too high', httpStatus: 200 }],
    ['code 501', { code: 501, message: 'Generation Failed', httpStatus: 200 }],
    ['code 408', { code: 408, message: '', httpStatus: 200 }],
    ['HTTP 502 with a page of HTML', { httpStatus: 502 }],
    ['HTTP 200 without a task id', { httpStatus: 200, code: 200, message: 'success' }],
    ['a socket reset after it was sent', { network: 'lost' }],
    ['no sign at all', {}],
  ] as const)('with %s is ambiguous', (_what, seen) => {
    expect(classifyKie({ where: 'create', ...seen })).toEqual({ class: 'ambiguous', certain: false });
  });

  it('that never left us made no task', () => {
    expect(classifyKie({ where: 'create', network: 'not-sent' })).toEqual({ class: 'provider-busy', certain: true });
  });

  it('waits long under maintenance, and a moment after an error of a moment', () => {
    expect(classifyKie({ where: 'create', code: 455, message: 'x' }).retryAfterSeconds).toBe(30);
    expect(classifyKie({ where: 'record', code: 500, message: 'server is busy' }).retryAfterSeconds).toBe(30);
    for (const where of ['record', 'upload', 'download'] as const) {
      expect(classifyKie({ where, network: 'lost' }).retryAfterSeconds).toBeUndefined();
    }
    expect(classifyKie({ where: 'download', httpStatus: 503 }).retryAfterSeconds).toBeUndefined();
    expect(
      classifyKie({ where: 'upload', httpStatus: 500, message: 'Server exception' }).retryAfterSeconds,
    ).toBeUndefined();
  });

  it('keeps to the pause that the answer names', () => {
    const seen = { where: 'create', httpStatus: 429, retryAfterSeconds: 42 } as const;
    expect(classifyKie(seen)).toEqual({ class: 'provider-rate', certain: true, retryAfterSeconds: 42 });
  });
});

describe('a look at a task', () => {
  it('that finds no record is a lost task, by words or by code', () => {
    expect(classifyKie({ where: 'record', code: 422, message: 'recordInfo is null' }).class).toBe('provider-lost');
    expect(classifyKie({ where: 'record', code: 404, message: 'Task not found' }).class).toBe('provider-lost');
  });

  it('that fails never speaks of the user', () => {
    const seen = { where: 'record', code: 400, message: 'photorealistic people detected' } as const;
    expect(policyOf(classifyKie(seen).class).fault).toBe('operator');
    expect(classifyKie({ where: 'record', code: 429, message: 'Rate limit exceeded' }).class).toBe('provider-rate');
    expect(classifyKie({ where: 'record', httpStatus: 503 }).class).toBe('provider-internal');
    expect(classifyKie({ where: 'record', network: 'lost' }).class).toBe('provider-busy');
  });
});

describe('files', () => {
  it('that are gone are lost, and a sick file host is only busy', () => {
    for (const httpStatus of [403, 404, 410]) {
      expect(classifyKie({ where: 'download', httpStatus }).class).toBe('provider-lost');
    }
    expect(classifyKie({ where: 'download', httpStatus: 503 }).class).toBe('provider-busy');
    expect(classifyKie({ where: 'download', network: 'lost' }).class).toBe('provider-busy');
  });

  it('may be uploaded again whatever happened', () => {
    expect(classifyKie({ where: 'upload', network: 'lost' })).toMatchObject({ class: 'provider-busy', certain: true });
    expect(classifyKie({ where: 'upload', httpStatus: 500, message: 'Server exception' }).class).toBe('provider-busy');
    expect(classifyKie({ where: 'upload', code: 401, message: 'Unauthorized' }).class).toBe('operator-key');
  });
});

describe('the classes', () => {
  it('blame the user only with a final verdict, and give every class a policy', () => {
    for (const failure of failureClasses) {
      const policy = policyOf(failure);
      expect(policy.fault === 'user', failure).toBe(failure.startsWith('user-'));
      if (policy.fault === 'user') expect(policy).toMatchObject({ retry: 'none', alert: false });
      if (policy.fault === 'operator') expect(policy.alert).toBe(true);
      if (policy.fault === 'nobody') expect(policy.retry).toBe('poll');
    }
  });
});
