// A node without eviction that is filled until it refuses, emptied and filled again: its process stays below a limit.

import { ServerProcess } from "../support/process-server.ts";
import type { RawClient } from "../support/raw-client.ts";
import { Dice } from "../support/state-random.ts";
import { MiB, someValue } from "./requests.ts";
import { ask, stateOf, Watch } from "./watch.ts";

const args = ["--maxmemory", "384mb", "--auto-aof-rewrite-min-size", "64mb"];
/** What the process may hold without the files that LevelDB maps: 64 tables of 1 MiB, and the program itself. */
export const refillBytesMax = 600 * MiB;
/** An emptied node uses no more than this. */
const emptyBytesMax = MiB;
const clients = 4;
const pipeline = 64;
const keysPerDel = 1_000;
const replyMs = 60_000;
const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

export interface Round {
  readonly round: number;
  readonly keys: number;
  readonly usedBytes: number;
  /** The largest so far. */
  readonly residentBytes: number;
  /** The same without mapped files. */
  readonly ownBytes: number;
  readonly longestMs: number;
}

export interface RefillOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly told?: (round: Round) => void;
}

/** @throws {Error} when the node ends, or answers other than it should */
export async function refill({ rounds, seed, told }: RefillOptions): Promise<readonly Round[]> {
  const node = await ServerProcess.start({ args });
  const all = await Promise.all(Array.from({ length: clients }, () => node.connect()));
  const watch = new Watch(node);
  try {
    const done: Round[] = [];
    await watch.during(
      (async () => {
        for (let round = 1; round <= rounds; round++) {
          const counts = await Promise.all(
            all.map((client, n) => fill(client, `${n}:`, new Dice(seed + clients * round + n))),
          );
          const { keys, usedBytes } = await stateOf(all[0] as RawClient);
          if (round % 2 === 1) await ask(all[0] as RawClient, "FLUSHALL");
          else await Promise.all(all.map((client, n) => empty(client, `${n}:`, counts[n] ?? 0)));
          const left = await stateOf(all[0] as RawClient);
          if (left.keys > 0 || left.usedBytes > emptyBytesMax) {
            throw new Error(`emptied: ${left.keys} keys, ${left.usedBytes} bytes are left`);
          }
          const { residentBytesMax: residentBytes, ownBytesMax: ownBytes, longestMs } = watch;
          done.push({ round, keys, usedBytes, residentBytes, ownBytes, longestMs });
          told?.(done.at(-1) as Round);
        }
      })(),
    );
    return done;
  } finally {
    for (const client of all) client.close();
    await node.dispose();
  }
}

/** Until the node refuses. Returns how many values it has been given. */
async function fill(client: RawClient, prefix: string, dice: Dice): Promise<number> {
  for (let keys = 0; ; keys += pipeline) {
    const sets = Array.from({ length: pipeline }, (_, n) => [
      ...["SET", `${prefix}${keys + n}`, someValue(dice)],
    ]);
    client.send(...sets);
    const replies = await client.replies(pipeline, replyMs);
    const errors = replies.map(String).filter((reply) => reply !== "+OK\r\n");
    for (const error of errors) if (error !== oom) throw new Error(error);
    if (replies.length < pipeline) throw new Error("the node has closed a client");
    if (errors.length > 0) return keys + pipeline;
  }
}

async function empty(client: RawClient, prefix: string, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += keysPerDel) {
    const names = Array.from({ length: keysPerDel }, (_, n) => `${prefix}${from + n}`);
    await ask(client, "DEL", ...names);
  }
}
