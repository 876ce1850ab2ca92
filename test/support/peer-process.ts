import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The two ports of a connection within this machine, as the one who listens sees them. */
export interface Ends {
  readonly localPort: number;
  readonly remotePort: number;
}

/** The process at the other end of a connection of this machine, by proc(5); undefined once it is gone. */
export function processBehind(ends: Ends): number | undefined {
  const inode = inodeOf(ends);
  if (inode === undefined) return undefined;
  const wanted = `socket:[${inode}]`;
  return processes().find((pid) => holds(pid, wanted));
}

/** One variable of a living process's environment. */
export function variableOf(pid: number, name: string): string | undefined {
  const prefix = `${name}=`;
  return read(`/proc/${pid}/environ`)
    .split('\0')
    .find((one) => one.startsWith(prefix))
    ?.slice(prefix.length);
}

/** /proc/net/tcp: number, local and remote address as hex with port, ..., the inode in the tenth column. */
function inodeOf({ localPort, remotePort }: Ends): string | undefined {
  for (const line of read('/proc/net/tcp').split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (portOf(columns[1]) === remotePort && portOf(columns[2]) === localPort) return columns[9];
  }
  return undefined;
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16);
}

/** Only processes of ours are asked: there may be many others. */
function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && /(main|runner)\.mjs/.test(read(`/proc/${pid}/cmdline`)));
}

function holds(pid: number, socket: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === socket);
  } catch {
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
