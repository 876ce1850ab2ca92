import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessMemory {
  pid: number;
  /** Of the program and what it runs, for people. */
  name: string;
  /** Proportional set size: shared pages are counted once over all who share them. */
  pssBytes: number;
}

/** Memory of a process and everything it started, at this moment; processes that may not be looked at are left out. */
export function memoryOf(root: number): ProcessMemory[] {
  return family(root).flatMap((pid) => {
    const pssBytes = pssOf(pid);
    return pssBytes === undefined ? [] : [{ pid, name: nameOf(pid), pssBytes }];
  });
}

/** The sum over the demo, everything it started, and the npm that runs it. */
export function wholeMemory(): number {
  const npm = process.env['npm_lifecycle_event'] === undefined ? 0 : (pssOf(process.ppid) ?? 0);
  return memoryOf(process.pid).reduce((sum, { pssBytes }) => sum + pssBytes, npm);
}

export interface MemoryWatch {
  readonly peakBytes: number;
  stop(): void;
}

/** Looks every `everyMs` and remembers the most. One look costs about 20 ms of one core. */
export function watchMemory(everyMs = 500): MemoryWatch {
  let peakBytes = wholeMemory();
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, wholeMemory());
  }, everyMs);
  return {
    get peakBytes() {
      return peakBytes;
    },
    stop: () => clearInterval(timer),
  };
}

/** proc(5): the second field of stat is the name in brackets, the fourth the parent. */
function family(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = [root];
  for (const pid of found) {
    for (const [child, parent] of parents) if (parent === pid) found.push(child);
  }
  return found;
}

function pssOf(pid: number): number | undefined {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function nameOf(pid: number): string {
  const words = (read(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((word) => word !== '');
  const [program = '', ...rest] = words.map((word) => word.slice(word.lastIndexOf('/') + 1));
  const script = rest.find((word) => /\.(ts|mjs|js)$/.test(word) && word !== 'guard.mjs');
  const after = script === undefined ? undefined : rest[rest.indexOf(script) + 1];
  return script === undefined
    ? program
    : [script, after?.startsWith('-') === true ? undefined : after].filter(Boolean).join(' ');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
