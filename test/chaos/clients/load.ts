// Clients on every node, one request at a time each, that record what they did and come back when cut off.

import type { Operation } from "../../checking/history.ts";
import type { Random } from "../../differential/random.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { pause } from "../cluster/until.ts";
import { type Connection, type ConnectionKind, connectRaw, connectTo } from "./connection.ts";
import type { Recorder } from "./recorder.ts";
import type { Workload } from "./workload.ts";

/** On each node. */
const kinds: readonly ConnectionKind[] = ["ioredis", "raw", "ioredis", "raw"];
/**
 * One more on each node only reads, and asks again when it has waited for so long. The others wait through a
 * pause with one old request each; this one's request is new when the pause ends, and shows a stale read.
 */
const patienceMs = 250;
/** Mean time between two requests of a client: bounds the rate, and with it what is to be checked. */
const thinkMs = 30;
const reconnectMs = 50;

export class Load {
  readonly #recorder: Recorder;
  readonly #workload: Workload;
  readonly #random: Random;
  readonly #clients: Promise<void>[];
  #nextClient = 0;
  #isStopping = false;

  constructor(
    nodes: readonly ChaosNode[],
    parts: { recorder: Recorder; workload: Workload; random: Random },
  ) {
    this.#recorder = parts.recorder;
    this.#workload = parts.workload;
    this.#random = parts.random;
    this.#clients = nodes.flatMap((node) => [
      ...kinds.map((kind) => this.#client(node, () => connectTo(kind, node.address), anyRequest)),
      this.#client(node, () => connectRaw(node.address, patienceMs), onlyReads),
    ]);
  }

  /** Resolves after the requests under way are answered, or given up. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
    this.#recorder.close();
  }

  async #client(
    node: ChaosNode,
    connect: () => Promise<Connection>,
    choose: Chooser,
  ): Promise<void> {
    while (!this.#isStopping) {
      const connection = await connect().catch(() => null);
      if (connection === null) {
        await pause(reconnectMs);
        continue;
      }
      await this.#converse(connection, node, choose);
      connection.close();
    }
  }

  /** Until an answer is lost: what a client does after that, another client does, as in Jepsen. */
  async #converse(connection: Connection, node: ChaosNode, choose: Chooser): Promise<void> {
    const client = this.#nextClient++;
    while (!this.#isStopping) {
      await pause(this.#random.next() * 2 * thinkMs);
      const words = choose(this.#workload, node.slot);
      const begun = this.#recorder.begin(client, node.slot, words);
      const answer = await connection.ask(words);
      this.#recorder.end(begun, answer);
      this.#workload.learn(words, answer);
      if (answer.type === "lost") return;
    }
  }
}

type Chooser = (workload: Workload, node: number) => readonly string[];

const anyRequest: Chooser = (workload, node) => workload.next(node);
const onlyReads: Chooser = (workload) => workload.nextRead();

const reads = new Set(["get", "mget"]);

/** An acknowledged write: what availability is measured by. */
export function isAcknowledgedWrite({ op, kind }: Operation): boolean {
  return kind === "ok" && !reads.has(op);
}
