import type { Play } from './play.ts';
import type { Workload } from './workloads.ts';

/** Plays a workload up to where its orders are left to themselves. `onReady` is called when everybody is about to tap. */
export async function perform(play: Play, workload: Workload, onReady: () => Promise<void>): Promise<void> {
  const { tags, people = 1, taps = 1, count = 1, prepare, act } = workload;
  const confirmations = await Promise.all(
    Array.from({ length: people }, async () => {
      const confirmation = await play.confirmation(...tags);
      return count === 1 ? confirmation : play.choose(confirmation, count);
    }),
  );
  for (const confirmation of confirmations) await prepare?.(play, confirmation);
  await onReady();
  const orders = (await Promise.all(confirmations.map((one) => play.tap(one, taps, count)))).flat();
  if (act !== undefined) await Promise.all(orders.map((order) => act(play, order)));
}
