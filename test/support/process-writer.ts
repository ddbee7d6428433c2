// A client that writes without pause, remembers what was acknowledged, and checks that it is there.

import { RawClient } from "./raw-client.ts";

/** Writes under way at once; enough to share disk writes, few enough to lose some in every crash. */
const inFlight = 16;

export interface WriterReport {
  /** Values that were acknowledged, by number; the key of each is unique. */
  readonly acknowledged: readonly number[];
  /** Replies other than OK. */
  readonly errors: readonly string[];
  /** Why it ended. */
  readonly end: "stopped" | "closed";
}

export class Writer {
  readonly #prefix: string;
  readonly #acknowledged: number[] = [];
  readonly #errors: string[] = [];
  #next = 0;
  #stopping = false;

  /** Keys begin with the prefix, so that several writers do not meet. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get count(): number {
    return this.#acknowledged.length;
  }

  /** Writes until `stop`, or until the server closes; may be called again after a close. */
  async run(port: number): Promise<WriterReport> {
    const client = await RawClient.connect(port);
    try {
      while (!this.#stopping) {
        const numbers = Array.from({ length: inFlight }, () => this.#next++);
        client.send(...numbers.map((n) => ["SET", this.#key(n), valueAt(n)]));
        const replies = await client.replies(inFlight, 30_000);
        for (const [at, reply] of replies.entries()) {
          const text = reply.toString("latin1");
          if (text === "+OK\r\n") this.#acknowledged.push(numbers[at] as number);
          else this.#errors.push(text);
        }
        if (replies.length < inFlight) return this.#report("closed");
      }
      return this.#report("stopped");
    } finally {
      client.close();
    }
  }

  /** Ends `run` after the writes that are under way. */
  stop(): void {
    this.#stopping = true;
  }

  /** Waits until so many writes are acknowledged. */
  async reaches(count: number, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.count < count) {
      if (Date.now() > deadline) throw new Error(`${this.count} of ${count} writes acknowledged`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Acknowledged writes that a node does not have, or has with another value. */
  async missingOn(port: number): Promise<string[]> {
    const client = await RawClient.connect(port);
    const missing: string[] = [];
    for (let start = 0; start < this.count; start += 1_000) {
      const numbers = this.#acknowledged.slice(start, start + 1_000);
      client.send(...numbers.map((n) => ["GET", this.#key(n)]));
      for (const [at, reply] of (await client.replies(numbers.length, 30_000)).entries()) {
        const n = numbers[at] as number;
        const value = valueAt(n);
        const text = reply.toString("latin1");
        if (text !== `$${value.length}\r\n${value}\r\n`) missing.push(`${this.#key(n)}: ${text}`);
      }
    }
    client.close();
    return missing;
  }

  #key(n: number): string {
    return `${this.#prefix}:${n}`;
  }

  #report(end: WriterReport["end"]): WriterReport {
    return { acknowledged: this.#acknowledged, errors: this.#errors, end };
  }
}

function valueAt(n: number): string {
  return `value-${n}`;
}
