/** A lane is one group of tests with the same needs; its name is the vitest project that holds it. */
export type Lane = {
  readonly name: 'unit' | 'integration' | 'faults' | 'e2e';
  /** What the lane proves, for `--help`. */
  readonly proves: string;
};

/** In the order they run: what fails cheapest fails first. */
export const LANES: readonly Lane[] = [
  { name: 'unit', proves: 'rules and rooms by themselves; starts nothing' },
  { name: 'integration', proves: 'our code against a real PostgreSQL and a real Kubernetes API server' },
  { name: 'faults', proves: 'kills, lost replies and bad luck at named effects' },
  { name: 'e2e', proves: 'whole orders through the chat, the page in a real browser' },
];

/** @throws {Error} naming the lanes there are, when `name` is none of them. */
export function laneNamed(name: string): Lane {
  const found = LANES.find((lane) => lane.name === name);
  if (found === undefined) {
    throw new Error(`There is no lane "${name}". The lanes are: ${LANES.map((lane) => lane.name).join(', ')}.`);
  }
  return found;
}
