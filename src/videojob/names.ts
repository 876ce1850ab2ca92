/** The custom resource's names. The CRD, the manifests, RBAC in the chart and the labels all take them from here. */
export const GROUP = 'neurocards.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}` as const;
export const KIND = 'VideoJob';
export const PLURAL = 'videojobs';

/** Present from the create on, so that a VideoJob cannot vanish while its credits are held. */
export const SETTLEMENT_FINALIZER = `${GROUP}/settlement`;

export const ORDER_LABEL = `${GROUP}/order`;
export const STAGE_LABEL = `${GROUP}/stage`;
export const EXECUTION_LABEL = `${GROUP}/execution`;

export const STAGES = ['generate', 'deliver'] as const;
export type Stage = (typeof STAGES)[number];

const CHILD_SUFFIX = { generate: 'gen', deliver: 'dlv' } as const satisfies Record<Stage, string>;

/** Name of the VideoJob of an order; the API server holds objects to it by a CEL rule. */
export function videoJobName(orderId: string): string {
  return `vj-${orderId}`;
}

/** Name of the Job that is execution `n` of a stage: the same execution always asks for the same name. */
export function childJobName(videoJob: string, stage: Stage, execution: number): string {
  return `${videoJob}-${CHILD_SUFFIX[stage]}-${execution}`;
}

/** Labels of a child Job and of its pod, by which the controller finds them again. */
export function childLabels(orderId: string, stage: Stage, execution: number): Record<string, string> {
  return { [ORDER_LABEL]: orderId, [STAGE_LABEL]: stage, [EXECUTION_LABEL]: String(execution) };
}
