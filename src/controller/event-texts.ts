import { findCondition } from '../videojob/conditions.ts';
import type { VideoJobStatus } from '../videojob/schema.ts';
import type { VideoJobEvent } from './decision.ts';

/** Events of a status change, told only after it was stored: at most eight on the good path. */
export function eventsBetween(before: VideoJobStatus, after: VideoJobStatus): VideoJobEvent[] {
  const events: VideoJobEvent[] = [];
  const normal = (reason: string, message: string) => events.push({ type: 'Normal', reason, message });
  const warning = (reason: string, message: string) => events.push({ type: 'Warning', reason, message });

  const reasonOf = (status: VideoJobStatus, type: 'Generated' | 'Delivered' | 'CreditsSettled' | 'Finished') => {
    const condition = findCondition(status.conditions, type);
    return condition === undefined ? undefined : { ...condition };
  };
  const finished = reasonOf(after, 'Finished');
  const finishes = finished?.status === 'True' && reasonOf(before, 'Finished')?.status !== 'True';
  if (before.conditions === undefined && finished?.reason !== 'ClaimRefused') {
    normal('OrderClaimed', "The order in the ledger is this object's; its credits are held.");
  }
  if ((after.executions ?? 0) > (before.executions ?? 0)) {
    normal('GenerationStarted', `Generation execution ${after.executions} opened.`);
  }
  if (after.providerTaskID !== undefined && after.providerTaskID !== before.providerTaskID) {
    normal('TaskAccepted', `The provider accepted task ${after.providerTaskID}.`);
  }
  const failed = after.lastFailure?.message === before.lastFailure?.message ? undefined : after.lastFailure;
  // What ends the order is told once, with the end.
  if (failed !== undefined && !(finishes && finished.reason === failed.reason)) warning(failed.reason, failed.message);
  const generated = reasonOf(after, 'Generated');
  const generatedBefore = reasonOf(before, 'Generated');
  for (const type of ['Generated', 'Delivered'] as const) {
    const condition = reasonOf(after, type);
    if (condition?.reason === 'PodStartPending' && reasonOf(before, type)?.reason !== 'PodStartPending') {
      warning('PodStartPending', condition.message);
    }
  }
  if (generated?.status === 'True' && generatedBefore?.status !== 'True') normal('VideoStored', 'The video is stored.');
  if ((after.deliveryExecutions ?? 0) > (before.deliveryExecutions ?? 0)) {
    normal('DeliveryStarted', `Delivery execution ${after.deliveryExecutions} opened.`);
  }
  if (finishes) {
    (finished.reason === 'VideoDelivered' ? normal : warning)(finished.reason, finished.message);
    const credits = reasonOf(after, 'CreditsSettled');
    if (credits !== undefined && credits.reason !== 'NoHold') normal(credits.reason, credits.message);
  }
  return events;
}
