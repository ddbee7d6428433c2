// Clients that write and read without pause until they are told to stop.

import type { ServerProcess } from "../support/process-server.ts";
import { Dice } from "../support/state-random.ts";
import { someRequest } from "./requests.ts";
import { ask } from "./watch.ts";

const clients = 4;
/** Requests of one client under way at once. */
const pipeline = 64;
const databases = 2;
const flushMs = 10_000;
const replyMs = 60_000;
/** The answer to a RENAME of what is not there. */
const noSuchKey = "-ERR no such key\r\n";

export class Load {
  requests = 0;
  flushes = 0;
  /** The first few error replies. */
  readonly errors: string[] = [];
  readonly #node: ServerProcess;
  #isOver = false;
  #running: readonly Promise<void>[] = [];

  constructor(node: ServerProcess) {
    this.#node = node;
  }

  start(seed: number): void {
    const all = Array.from({ length: clients }, (_, n) => this.#client(n % databases, seed + n));
    this.#running = [...all, this.#flusher()];
  }

  /** Rejects when a client was closed. */
  get ended(): Promise<unknown> {
    return Promise.all(this.#running);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.ended;
  }

  async #client(database: number, seed: number): Promise<void> {
    const dice = new Dice(seed);
    const client = await this.#node.connect();
    await ask(client, "SELECT", String(database));
    while (!this.#isOver) {
      client.send(...Array.from({ length: pipeline }, () => someRequest(dice)));
      const replies = await client.replies(pipeline, replyMs);
      if (replies.length < pipeline) throw new Error("the node has closed a client");
      for (const reply of replies) if (reply[0] === 0x2d) this.#error(reply.toString("latin1"));
      this.requests += pipeline;
    }
    client.close();
  }

  /** One database after the other, so that the node never stays empty. */
  async #flusher(): Promise<void> {
    const client = await this.#node.connect();
    for (let waitedMs = 0; !this.#isOver; waitedMs += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (waitedMs < flushMs) continue;
      waitedMs = 0;
      await ask(client, "SELECT", String(this.flushes++ % databases));
      await ask(client, "FLUSHDB");
    }
    client.close();
  }

  #error(text: string): void {
    if (text !== noSuchKey && this.errors.length < 10) this.errors.push(text.trim());
  }
}
