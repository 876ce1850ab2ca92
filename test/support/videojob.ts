import { buildVideoJob, type VideoJobInput } from '../../src/videojob/build.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';
import type { VideoJobManifest } from '../../src/videojob/schema.ts';

/** A VideoJob as the bot would build it, of a new order unless one is named. */
export function aVideoJob(changes: Partial<VideoJobInput> = {}): VideoJobManifest {
  return buildVideoJob({
    orderId: newOrderId(),
    userId: 7,
    credits: 10,
    photo: 'photos/cup.jpg',
    template: 'ugc',
    generation: { provider: 'kie', model: 'test-model' },
    signingKey: 'test-key',
    ...changes,
  });
}
