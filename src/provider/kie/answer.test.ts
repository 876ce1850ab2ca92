import { describe, expect, it } from 'vitest';
import { readAnswer, recordOf, taskIdOf, uploadOf } from './answer.ts';

describe('an answer of KIE', () => {
  it('is what the code in the body says, whatever the HTTP status is', () => {
    expect(readAnswer(200, '{"code":401,"msg":"Unauthorized"}', undefined)).toEqual({
      kind: 'failed',
      seen: { httpStatus: 200, code: 401, message: 'Unauthorized', retryAfterSeconds: undefined },
    });
    expect(readAnswer(200, '{"code":"200","message":"success","data":7}', null)).toEqual({ kind: 'ok', data: 7 });
    expect(readAnswer(502, '{"code":200,"data":7}', null).kind).toBe('failed');
  });

  it('that is not in its shape leaves the HTTP status alone to speak', () => {
    for (const body of ['', '<html>', '{"code":20', '[]', '{"msg":"x"}']) {
      expect(readAnswer(502, body, '3')).toEqual({ kind: 'failed', seen: { httpStatus: 502, retryAfterSeconds: 3 } });
    }
  });

  it('names a task only by an id that can be polled', () => {
    expect(taskIdOf({ taskId: '281e5b0aaaaaaaaaaaaaaaaaaaaf39b9' })).toBe('281e5b0aaaaaaaaaaaaaaaaaaaaf39b9');
    for (const data of [undefined, null, {}, { taskId: '' }, { taskId: '../../x?y=1' }, { taskId: 5 }]) {
      expect(taskIdOf(data)).toBeUndefined();
    }
  });

  it('names an upload by downloadUrl, with or without an expiry', () => {
    const url = 'https://files.example/a.jpg';
    expect(uploadOf({ downloadUrl: url, expiresAt: '2026-11-26T00:00:00.000Z' })?.expiresAt).toBeInstanceOf(Date);
    expect(uploadOf({ downloadUrl: url })).toEqual({ url });
    expect(uploadOf({ fileUrl: url })).toBeUndefined();
  });
});

describe('a record', () => {
  it('is read loosely: numbers for strings, nulls, broken inner JSON', () => {
    const loose = recordOf({ state: 'fail', failCode: 500, failMsg: null, resultJson: null, param: 'not json' });
    expect(loose).toMatchObject({
      state: 'fail',
      failCode: '500',
      failMsg: '',
      urls: undefined,
      callBackUrl: undefined,
    });
    const good = recordOf({ state: 'success', resultJson: '{"resultUrls":["https://x/y.mp4"]}', creditsConsumed: 60 });
    expect(good).toMatchObject({ urls: ['https://x/y.mp4'], creditsConsumed: 60 });
    expect(recordOf({ state: 'success', resultJson: '{}' })?.urls).toEqual([]);
    expect(recordOf(null)).toBeUndefined();
  });
});
