import { takeShowings } from '../delivery/delivery.ts';
import { type ShowingDesk, showStoredVideo } from '../delivery/showing.ts';
import type { Logger } from '../log/logger.ts';

export interface Sweeper {
  desk: ShowingDesk;
  owner: string;
  log: Logger;
}

const batch = 5;
const showMs = 60_000;

/** Shows the captured videos whose people are back, or asked for them; true when there may be more. */
export async function sweepShowings({ desk, owner, log }: Sweeper): Promise<boolean> {
  const showings = await takeShowings(desk.database, owner, batch);
  for (const showing of showings) {
    const { orderId: order } = showing;
    try {
      const outcome = await showStoredVideo(showing, desk, AbortSignal.timeout(showMs));
      log.info({ order, outcome }, 'a stored video was shown');
    } catch (error) {
      // The lease runs out and it is due again.
      log.warn({ err: error, order }, 'a stored video was not shown');
    }
  }
  return showings.length === batch;
}
