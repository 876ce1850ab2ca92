export interface Frame {
  /** The letter of the message; empty for the greeting of a client, which has none. */
  readonly type: string;
  readonly bytes: Buffer;
  /** Without letter and length. */
  readonly body: Buffer;
}

/** Cuts one direction of a PostgreSQL connection into its messages. */
export class Frames {
  #greeting: boolean;
  #rest = Buffer.alloc(0);

  /** @param greeting a client's first message has no letter */
  constructor(greeting: boolean) {
    this.#greeting = greeting;
  }

  /** The messages that this chunk completes. */
  take(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const letter = this.#greeting ? 0 : 1;
      if (this.#rest.length < letter + 4) return frames;
      const end = letter + this.#rest.readUInt32BE(letter);
      if (this.#rest.length < end) return frames;
      const bytes = this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
      frames.push({ type: bytes.toString('latin1', 0, letter), bytes, body: bytes.subarray(letter + 4) });
      // A request for TLS is answered, and then the greeting comes.
      if (letter === 0 && end !== 8) this.#greeting = false;
    }
  }
}
