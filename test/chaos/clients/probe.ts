// A client that asks for the same small thing again and again, and remembers how long it had to wait at worst.

import { pause } from "../cluster/until.ts";
import type { Address } from "../machine/network.ts";
import { LineClient } from "./line-client.ts";

/** Longer than anything that is measured. */
const patienceMs = 200_000;

export class Probe {
  worstMs = 0;
  answers = 0;
  readonly #client: LineClient;
  readonly #done: Promise<void>;
  #isOver = false;

  private constructor(client: LineClient, words: readonly string[], everyMs: number) {
    this.#client = client;
    this.#done = this.#run(words, everyMs);
  }

  /** Asks `everyMs` after each answer, one request at a time. */
  static async begin(address: Address, words: readonly string[], everyMs: number): Promise<Probe> {
    return new Probe(await LineClient.connect(address), words, everyMs);
  }

  get errors(): number {
    return this.#client.errors.length;
  }

  /** What waits now counts as well. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.race([this.#done, pause(graceMs)]);
    this.#client.close();
    await this.#done;
  }

  async #run(words: readonly string[], everyMs: number): Promise<void> {
    while (!this.#isOver && !this.#client.isClosed) {
      const began = performance.now();
      await this.#client.send(words);
      const isAnswered = await this.#client.hasReplies(this.answers + 1, patienceMs);
      this.worstMs = Math.max(this.worstMs, performance.now() - began);
      if (isAnswered) this.answers += 1;
      await pause(everyMs);
    }
  }
}

/** For the last answer. */
const graceMs = 1_000;
