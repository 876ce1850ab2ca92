import { z } from 'zod';

const faultName = z
  .string()
  .regex(
    /^(process-then-drop|drop|hang|429|403|500|502-html|slow|redeliver|[1-5]\d\d:.+)$/,
    'one of process-then-drop, drop, hang, 429, 403, 400:<text>, 500, 502-html, slow, redeliver',
  );

const faultSchema = z.strictObject({
  method: z.string().min(1),
  fault: faultName,
  /** How many calls it strikes. */
  times: z.int().min(1).max(1_000_000).default(1),
  chat: z.int().optional(),
  retry_after: z.number().min(0).optional(),
  /** How long `slow` and `hang` last. */
  seconds: z.number().min(0).optional(),
});

export type Fault = z.infer<typeof faultSchema>;

/** The faults somebody ordered, each used up by the calls it strikes. In memory only: a restart forgets them. */
export type FaultBoard = {
  /** Adds one, parsed. Throws with a sentence that names what is wrong. */
  add(body: unknown): Fault;
  /** The fault that strikes this call, if any; it is used up by one. */
  take(method: string): Fault | undefined;
  clear(): void;
  list(): readonly Fault[];
};

/** A board for the methods of one stand-in. */
export function createFaultBoard(methods: readonly string[]): FaultBoard {
  let faults: Fault[] = [];
  return {
    add(body) {
      const parsed = faultSchema.safeParse(body);
      if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
      if (!methods.includes(parsed.data.method)) {
        throw new Error(`There is no method "${parsed.data.method}" here; there are: ${methods.join(', ')}.`);
      }
      faults.push(parsed.data);
      return parsed.data;
    },
    take(method) {
      const fault = faults.find((each) => each.method === method);
      if (fault === undefined) return undefined;
      fault.times -= 1;
      if (fault.times <= 0) faults = faults.filter((each) => each !== fault);
      return fault;
    },
    clear() {
      faults = [];
    },
    list: () => faults,
  };
}

/** The status and text of a fault written as `400:<text>`. */
export function refusalOf(fault: string): { code: number; text: string } | undefined {
  const match = /^([1-5]\d\d):(.+)$/s.exec(fault);
  return match === null ? undefined : { code: Number(match[1]), text: match[2] ?? '' };
}

/** What a fault is called in a journal: without the text that was ordered with it. */
export function faultLabel(fault: Fault): string {
  return fault.fault.split(':')[0] ?? fault.fault;
}
