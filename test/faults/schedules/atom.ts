import { type NewsPoint, newsName, type Point, pointName } from './point.ts';

export type Server = 'kube-apiserver' | 'postgres';
export type Killable = Server | 'etcd' | 'kube-controller-manager' | 'node';

/** One fault of one schedule, and the passage at which it strikes. */
export type Atom =
  /** SIGKILL of the maker: before its effect is forwarded, or after it happened and before its maker hears so. */
  | { readonly kind: 'kill'; readonly at: Point }
  /** The connection breaks there; the maker lives. */
  | { readonly kind: 'cut'; readonly at: Point }
  /** Somebody else answers in the server's place. */
  | { readonly kind: 'refuse'; readonly at: Point; readonly status: number }
  /** The call, or its answer, is on its way for so long. */
  | { readonly kind: 'delay'; readonly at: Point; readonly seconds: number }
  /** A second copy of the same bytes arrives: just before the first one, or long after it. */
  | { readonly kind: 'twice'; readonly at: Point; readonly seconds: number }
  /** Time runs on by so much for the order, leases and all, as for a process whose clock stood still. */
  | { readonly kind: 'jump'; readonly at: Point; readonly seconds: number }
  /** SIGSTOP of the maker; of a leader with a second replica beside it, which takes over. */
  | { readonly kind: 'pause'; readonly at: Point; readonly seconds: number }
  /** A server cannot be reached from there on. */
  | { readonly kind: 'away'; readonly at: Point; readonly server: Server; readonly seconds: number }
  /** SIGKILL of somebody else than the maker. */
  | { readonly kind: 'kill-other'; readonly at: Point; readonly who: Killable }
  /** The controller dies there, and its successor sees the LIST of an earlier moment and no event, until it is thawed. */
  | { readonly kind: 'stale'; readonly since: Point; readonly at: Point; readonly seconds: number }
  /** Events of the order are withheld from one on; only the later one comes. */
  | { readonly kind: 'unobserved'; readonly from: NewsPoint; readonly to: NewsPoint }
  /** The watch ends with 410 instead of this event, and everything is listed again. */
  | { readonly kind: 'watch-gone'; readonly at: NewsPoint }
  /** This event never comes. */
  | { readonly kind: 'swallow'; readonly at: NewsPoint }
  /** A stand-in's own fault, ordered before the tap. */
  | {
      readonly kind: 'stand-in';
      readonly where: 'kie' | 'telegram';
      readonly method: string;
      readonly fault: string;
      readonly times: number;
      readonly seconds?: number;
      readonly retryAfter?: number;
    };

export function atomName(atom: Atom): string {
  switch (atom.kind) {
    case 'kill':
    case 'cut':
      return `${atom.kind} ${pointName(atom.at)}`;
    case 'refuse':
      return `${atom.status} ${pointName(atom.at)}`;
    case 'delay':
    case 'pause':
    case 'jump':
      return `${atom.kind} ${atom.seconds} s ${pointName(atom.at)}`;
    case 'twice':
      return `twice${atom.seconds === 0 ? '' : `, the copy ${atom.seconds} s late,`} ${pointName(atom.at)}`;
    case 'away':
      return `${atom.server} away ${atom.seconds} s ${pointName(atom.at)}`;
    case 'kill-other':
      return `kill ${atom.who} ${pointName(atom.at)}`;
    case 'stale':
      return `stale since ${pointName(atom.since)}, kill ${pointName(atom.at)}`;
    case 'unobserved':
      return `unobserved ${newsName(atom.from)} .. ${newsName(atom.to)}`;
    case 'watch-gone':
    case 'swallow':
      return `${atom.kind} ${newsName(atom.at)}`;
    case 'stand-in':
      return `${atom.where} ${atom.method} ${atom.fault} x${atom.times}`;
  }
}

/** Whether it strikes nobody but one order's own runner: others may be played beside it. */
export function isLocal(atom: Atom): boolean {
  switch (atom.kind) {
    case 'kill':
    case 'cut':
    case 'refuse':
    case 'delay':
    case 'twice':
    case 'jump':
    case 'pause':
      return atom.at.maker === 'generate' || atom.at.maker === 'deliver';
    case 'stand-in':
      return atom.where === 'telegram' && atom.method === 'editMessageMedia';
    default:
      return false;
  }
}

/** Whether a message that the bot sends may come twice for it: it did not hear of the first one, or its lease ran out meanwhile. */
export function mayRepeatWords(atom: Atom): boolean {
  switch (atom.kind) {
    case 'away':
    case 'kill-other':
    case 'jump':
      return true;
    case 'stand-in':
      return atom.where === 'telegram';
    default:
      return 'at' in atom && 'maker' in atom.at && atom.at.maker === 'bot';
  }
}

/** How long the faults make somebody sleep, so long may everything take longer. */
export function asleepMs(atoms: readonly Atom[]): number {
  return atoms.reduce((sum, atom) => sum + (atom.kind === 'pause' ? atom.seconds * 1_000 : 0), 0);
}
