import type { Step } from '../audit/resolution.ts';

/** A step in one line. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'rebuild':
      return `${step.orderId}  place the order again from its VideoJob`;
    case 'catch-up':
      return `${step.orderId}  bring the books to what its VideoJob shows, if that is more`;
    case 'reclaim':
      return `${step.orderId}  let another VideoJob of the same content claim it`;
    case 'close':
      return `${step.orderId}  give the credits back: nobody knows what became of it`;
    case 'leave':
      return `${step.orderId}  nothing: ${step.why}`;
  }
}
