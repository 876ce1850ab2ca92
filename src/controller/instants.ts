/** The earliest of some instants, null when there is none. */
export function earliest(instants: readonly (Date | null)[]): Date | null {
  return instants.reduce<Date | null>(
    (least, at) => (at !== null && (least === null || at.getTime() < least.getTime()) ? at : least),
    null,
  );
}

export function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function rfc3339(instant: Date): string {
  return instant.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
