/** One process of ours in the simulation: it can be killed, stopped for a while, and have a wrong clock. */
export class Process {
  readonly name: string;
  readonly kind: 'bot' | 'controller' | 'runner' | 'customer';
  /** SIGTERM. */
  readonly stopping = new AbortController();
  alive = true;
  /** Nothing of it runs before that instant (SIGSTOP, a long pause of its machine). */
  pausedUntil = 0;
  /** Milliseconds that its clock is ahead of PostgreSQL's. */
  clockOffset = 0;
  readonly #onKill: (() => void)[] = [];

  constructor(kind: Process['kind'], name: string) {
    this.kind = kind;
    this.name = name;
  }

  onKill(act: () => void): void {
    this.#onKill.push(act);
  }

  /** SIGKILL: whatever it was about to do never happens. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const act of this.#onKill) act();
  }
}
