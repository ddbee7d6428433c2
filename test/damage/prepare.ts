// A data directory with three lives behind it, as an orderly end leaves it and as a kill does.

import { DataDirectory, newClusterId } from "../../src/node/directory/data-directory.ts";
import { asNode, type Entry } from "../../src/raft/core/types.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import { seeded } from "../support/log-random.ts";
import type { Acknowledged, History } from "./history.ts";
import { type Image, readImage, withDirectory, withFile } from "./image.ts";
import { NodeLife, openParts, type Past, self } from "./node-life.ts";

export type Ending = "orderly" | "killed";

export interface Prepared {
  readonly seed: number;
  readonly ending: Ending;
  readonly image: Image;
  readonly history: History;
  /** The directory at earlier times, oldest first: where old versions of files come from. */
  readonly earlier: readonly Image[];
}

const lives = 3;
/** What a killed process leaves of its lock, as far as a copy can have it: sockets are not copied. */
const deadLock = "lock.999999999.0badcafe";

/** The same directory for the same seed, but for the random marks of its log and its cluster id. */
export async function prepare(seed: number): Promise<Record<Ending, Prepared>> {
  return withDirectory((path) => prepareIn(path, seed));
}

async function prepareIn(path: string, seed: number): Promise<Record<Ending, Prepared>> {
  const random = seeded(seed);
  const entries = new Map<number, Entry>();
  const saves: Acknowledged[] = [];
  const members = [{ id: self, voter: true, address: "127.0.0.1:7000 127.0.0.1:7001" }];
  const past: Past = {
    machine: new Machine({ commands }),
    saves,
    entries,
    membership: { members, nextId: asNode(2) },
    olderBytes: 0,
    segment: 1,
  };
  const clusterId = newClusterId();
  const earlier: Image[] = [];
  const note = () => void earlier.push(readImage(path));

  for (let life = 1; ; life += 1) {
    const directory = await DataDirectory.open(path);
    if (life === 1) await directory.settle(clusterId, self);
    const node = new NodeLife(random, past, await openParts(path, directory));
    if (life === 1) await node.found();
    await node.lead();
    note();
    await node.write(6 + random.integer(8));
    await node.checkpoint();
    note();
    if (life === 2 && seed % 3 === 0) await node.install(note);
    // Every other seed needs its checkpoint; the rest have the whole log.
    if (life > 1 && seed % 2 === 0) node.cut();
    await node.write(6 + random.integer(10));
    note();
    if (life < lives) {
      await node.checkpoint();
      await node.close();
      note();
      continue;
    }
    await node.write(5);
    const killed = withFile(readImage(path), deadLock, Buffer.from("dead"));
    await node.checkpoint();
    await node.close();
    const shared = { seed, earlier, history: { clusterId, saves, entries } };
    return {
      killed: { ...shared, ending: "killed", image: killed },
      orderly: { ...shared, ending: "orderly", image: readImage(path) },
    };
  }
}
