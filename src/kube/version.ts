/**
 * Compares two resource versions of the same resource: negative when the first is older. Kubernetes promises since 1.35
 * that they are decimal numbers and may be compared (KEP-5504); anything else gives undefined, "cannot tell".
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return undefined;
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
