// Watches a node from outside, second by second: what its process holds, what its data takes, how long a client waits.

import type { ServerProcess } from "../support/process-server.ts";
import type { RawClient } from "../support/raw-client.ts";

const pauseMs = 10;
const sampleMs = 1_000;
const askMs = 60_000;

export interface Sample {
  readonly second: number;
  /** The largest of this second. */
  readonly residentBytes: number;
  /** Without mapped files. */
  readonly ownBytes: number;
  /** What `maxmemory` is compared with. */
  readonly usedBytes: number;
  readonly keys: number;
  readonly longestMs: number;
  /** When the last checkpoint was written. */
  readonly savedAt: number;
}

export class Watch {
  readonly samples: Sample[] = [];
  readonly #node: ServerProcess;
  readonly #told: (sample: Sample) => void;
  #isOver = false;
  #running: Promise<void> = Promise.resolve();

  /** `told` hears of each second. */
  constructor(node: ServerProcess, told: (sample: Sample) => void = () => undefined) {
    this.#node = node;
    this.#told = told;
  }

  get residentBytesMax(): number {
    return Math.max(...this.samples.map(({ residentBytes }) => residentBytes));
  }
  get ownBytesMax(): number {
    return Math.max(...this.samples.map(({ ownBytes }) => ownBytes));
  }
  get longestMs(): number {
    return Math.max(...this.samples.map(({ longestMs }) => longestMs));
  }
  /** Checkpoints that were written meanwhile, two of one second as one. */
  get checkpoints(): number {
    return new Set(this.samples.map(({ savedAt }) => savedAt)).size - 1;
  }

  /** Watches while `work` goes on. A node that ends or answers with an error is an error here. */
  async during<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
    this.#running = this.#watch();
    try {
      return await Promise.race([work, this.#running.then(() => work)]);
    } finally {
      this.#isOver = true;
      await this.#running;
    }
  }

  async #watch(): Promise<void> {
    const client = await this.#node.connect();
    const startMs = performance.now();
    try {
      for (let second = 1; !this.#isOver; second++) {
        const sample = await this.#second(client, second, startMs + second * sampleMs);
        this.samples.push(sample);
        this.#told(sample);
      }
    } finally {
      client.close();
    }
  }

  async #second(client: RawClient, second: number, untilMs: number): Promise<Sample> {
    let longestMs = 0;
    let residentBytes = 0;
    let ownBytes = 0;
    do {
      const sinceMs = performance.now();
      await ask(client, "GET", "probe");
      longestMs = Math.max(longestMs, performance.now() - sinceMs);
      residentBytes = Math.max(residentBytes, this.#node.residentBytes());
      ownBytes = Math.max(ownBytes, this.#node.ownBytes());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    } while (performance.now() < untilMs && !this.#isOver);
    return { second, residentBytes, ownBytes, longestMs, ...(await stateOf(client)) };
  }
}

export interface State {
  readonly usedBytes: number;
  readonly keys: number;
  readonly expires: number;
  readonly evicted: number;
  readonly savedAt: number;
}

export async function stateOf(client: RawClient): Promise<State> {
  const info = await ask(client, "INFO");
  return {
    usedBytes: sum(info, /\r\nused_memory_dataset:(\d+)/g),
    keys: sum(info, /:keys=(\d+)/g),
    expires: sum(info, /,expires=(\d+)/g),
    evicted: sum(info, /\r\nevicted_keys:(\d+)/g),
    savedAt: sum(info, /\r\nrdb_last_save_time:(\d+)/g),
  };
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, [, digits]) => total + Number(digits), 0);
}

/** A reply that is no error. */
export async function ask(client: RawClient, ...words: string[]): Promise<string> {
  client.send(words);
  const [reply] = await client.replies(1, askMs);
  const text = reply?.toString("latin1") ?? "-closed";
  if (text.startsWith("-")) throw new Error(`${words.join(" ")}: ${text}`);
  return text;
}
