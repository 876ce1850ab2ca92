/** Seconds between two looks at a running task: a tenth of the usual time, 1 to 15. */
export function pollSeconds(usualSeconds: number): number {
  return Math.min(15, Math.max(1, usualSeconds / 10));
}
