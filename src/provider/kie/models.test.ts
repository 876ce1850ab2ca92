import { describe, expect, it } from 'vitest';
import type { SubmitRequest } from '../provider.ts';
import { defaultKieModel, kieModel, kieModels } from './models.ts';

const request: SubmitRequest = {
  model: defaultKieModel,
  prompt: 'A cup on a table',
  imageUrl: 'https://files.example/photo.jpg',
  seconds: 15,
  aspectRatio: '9:16',
  audio: true,
};

describe('a model gets its own input, in its own types', () => {
  it('Seedance takes whole seconds, the ratio and the sound', () => {
    expect(kieModel('bytedance/seedance-2-fast')?.input(request)).toEqual({
      prompt: 'A cup on a table',
      first_frame_url: 'https://files.example/photo.jpg',
      aspect_ratio: '9:16',
      resolution: '720p',
      duration: 15,
      generate_audio: true,
    });
  });

  it('Kling and Wan take seconds as text and the photo in their own field', () => {
    expect(kieModel('kling/v3-turbo-image-to-video')?.input(request)).toMatchObject({
      image_urls: ['https://files.example/photo.jpg'],
      duration: '15',
    });
    expect(kieModel('wan/2-5-image-to-video')?.input(request)).toMatchObject({
      image_url: 'https://files.example/photo.jpg',
      duration: '10',
    });
  });

  it('lengths outside what a model makes become its nearest', () => {
    const fast = kieModel('bytedance/seedance-2-fast');
    expect([1, 4, 9.6, 60].map((seconds) => fast?.input({ ...request, seconds })['duration'])).toEqual([4, 4, 10, 15]);
    const wan = kieModel('wan/2-5-image-to-video');
    expect([1, 7, 8].map((seconds) => wan?.input({ ...request, seconds })['duration'])).toEqual(['5', '5', '10']);
  });

  it('a prompt over the cap is cut at a whole character', () => {
    for (const name of kieModels) {
      const mapper = kieModel(name);
      const most = mapper?.promptMax ?? 0;
      const input = mapper?.input({ ...request, prompt: `${'x'.repeat(most - 1)}😀 and more` });
      expect(input?.['prompt']).toBe('x'.repeat(most - 1));
    }
  });

  it('a prompt too short for any model is filled up', () => {
    for (const name of kieModels) {
      expect(kieModel(name)?.input({ ...request, prompt: 'me' })['prompt']).toBe('me A short video of this product.');
    }
  });

  it('nothing else is known, not even by the names of built-ins', () => {
    expect(kieModel('sora-2-image-to-video')).toBeUndefined();
    expect(kieModel('constructor')).toBeUndefined();
  });
});
