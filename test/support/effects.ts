import type { System, SystemOrder } from './system.ts';
import { waitFor } from './wait.ts';

/*
 * Named effects, as the stand-ins' journals show them: where exactly an order stands when something is killed.
 */

type Marked = Pick<SystemOrder, 'mark'>;

/** Inside createTask: the provider has made the task, and its answer is still on the way. */
export async function isInCreateTask(system: System, order: Marked): Promise<boolean> {
  return (await system.kieCallsOf(order, 'createTask')).some(({ outcome }) => outcome === 'pending');
}

/** createTask was answered, and nothing came of the task yet. */
export async function isCreated(system: System, order: Marked): Promise<boolean> {
  return (await system.kieCallsOf(order, 'createTask')).some(({ outcome }) => outcome === 'ok');
}

/** The finished film is on its way to us. */
export async function isDownloading(system: System, order: Marked): Promise<boolean> {
  return (await system.kieCallsOf(order, 'download')).some(({ outcome }) => outcome === 'pending');
}

/** editMessageMedia has arrived at Telegram and is not answered. */
export async function isEditing(system: System, order: Pick<SystemOrder, 'customer'>): Promise<boolean> {
  return (await system.telegramCalls(order, 'editMessageMedia')).some(({ outcome }) => outcome === 'pending');
}

/** Waits, looking often, so that what follows falls into the effect. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  await waitFor(condition, { what, within: 60_000, every: 20 });
}
