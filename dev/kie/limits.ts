/** A sliding window: `allow` is false, and counts nothing, when `most` calls were allowed within the last `windowMs`. */
export function slidingWindow(windowMs: number): { allow(key: string, most: number): boolean } {
  const calls = new Map<string, number[]>();
  return {
    allow(key, most) {
      const now = Date.now();
      const recent = (calls.get(key) ?? []).filter((time) => now - time < windowMs);
      calls.set(key, recent);
      if (recent.length >= most) return false;
      recent.push(now);
      return true;
    },
  };
}
