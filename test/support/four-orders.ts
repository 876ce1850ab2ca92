import { expect } from 'vitest';
import { isCreated, isDownloading, isEditing, isInCreateTask, until } from './effects.ts';
import { expectDelivered } from './outcome.ts';
import type { System } from './system.ts';

/** How long each effect lasts: long enough for the four to meet on a busy machine. */
const heldSeconds = 15;

/**
 * Brings four orders to four effects at the same moment, does the harm, and expects that each completes: one inside createTask (made,
 * not answered), one right after createTask's answer, one during the download, one during the edit.
 */
export async function strikeFourOrders(system: System, harm: () => Promise<void>): Promise<void> {
  const [editing, downloading, creating, created] = await Promise.all([
    system.confirmation(),
    system.confirmation(`url-slow:${heldSeconds}`),
    system.confirmation(`accept-then-slow:${heldSeconds}`),
    system.confirmation(),
  ]);
  const { chat } = editing.customer;
  await system.telegramFault({ method: 'editMessageMedia', fault: 'slow', seconds: heldSeconds, chat });
  const early = [editing, downloading].map((one) => one.tap());
  await Promise.all([
    until('the edit under way', () => isEditing(system, editing)),
    until('the download under way', () => isDownloading(system, downloading)),
  ]);
  const late = [creating, created].map((one) => one.tap());
  await Promise.all([
    until('createTask under way', () => isInCreateTask(system, creating)),
    until('createTask answered', () => isCreated(system, created)),
  ]);
  const standing = {
    editing: await isEditing(system, editing),
    downloading: await isDownloading(system, downloading),
    creating: await isInCreateTask(system, creating),
  };
  await harm();
  expect(standing, 'every order stood at its effect when the harm was done').toEqual({
    editing: true,
    downloading: true,
    creating: true,
  });
  for (const order of await Promise.all([...early, ...late])) await expectDelivered(system, order);
}
