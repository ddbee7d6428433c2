// Whole directories and parts of them: wiped, lost, of an earlier time, of another node.

import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { DataDirectory, newClusterId } from "../../src/node/directory/data-directory.ts";
import { asNode } from "../../src/raft/core/types.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import { seeded } from "../support/log-random.ts";
import { RawClient } from "../support/raw-client.ts";
import { fingerprint } from "./fingerprint.ts";
import { type Image, withDirectory, writeImage } from "./image.ts";
import { NodeLife, openParts, type Past, self } from "./node-life.ts";
import { readByClient, readingAt } from "./node-reading.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { startRealNode } from "./real-node.ts";
import { start } from "./start.ts";

/** The position of the save whose state is found, or the refusal. */
function stateOf({ history }: Prepared, image: Image): Promise<number | string> {
  return withDirectory(async (path) => {
    writeImage(image, path);
    const found = await start(path);
    if ("refused" in found) return found.refused;
    const state = fingerprint(found.machine);
    await found.close();
    return history.saves.findLastIndex((save) => save.fingerprint === state);
  });
}

const filesOf = (image: Image, pattern: RegExp): Image =>
  new Map([...image].filter(([path]) => pattern.test(path)));

const ofLog = /^log\//;
const ofCheckpoint = /^checkpoint/;

describe("a part of the directory that is gone", () => {
  test("is noticed when it was needed", async () => {
    const { killed } = await prepare(2); // Its log is cut: it needs the checkpoint.
    const without = (pattern: RegExp) =>
      stateOf(killed, new Map([...killed.image].filter(([path]) => !pattern.test(path))));
    expect(await without(ofLog)).toMatch(/the log is gone/);
    expect(await without(ofCheckpoint)).toMatch(
      /the log begins at \d+, the checkpoint ends before/,
    );
    expect(await without(/^identity/)).toMatch(/but no identity\.json/);
  });

  test("is made up for when the log is whole", async () => {
    const { killed } = await prepare(1);
    const rest = new Map([...killed.image].filter(([path]) => !ofCheckpoint.test(path)));
    expect(await stateOf(killed, rest)).toBe(killed.history.saves.length - 1);
  });
});

describe("an earlier copy", () => {
  test("of the whole directory is the node of that time: only its cluster can know better", async () => {
    const { killed } = await prepare(1);
    let before = -1;
    for (const image of killed.earlier) {
      const at = await stateOf(killed, image);
      expect(at).toBeGreaterThanOrEqual(before);
      before = Number(at);
    }
    expect(before).toBeGreaterThan(30);
  });

  test("of the log is refused beside a later checkpoint", async () => {
    const { orderly } = await prepare(1);
    const rest = [...orderly.image].filter(([path]) => !ofLog.test(path));
    for (const image of orderly.earlier) {
      const mixed = new Map([...rest, ...filesOf(image, ofLog)]);
      expect(await stateOf(orderly, mixed)).toMatch(/the log ends at \d+, before the checkpoint/);
    }
  });

  test("of the checkpoint is brought up to date by a whole log", async () => {
    const { killed } = await prepare(1);
    const rest = [...killed.image].filter(([path]) => !ofCheckpoint.test(path));
    for (const image of killed.earlier) {
      const mixed = new Map([...rest, ...filesOf(image, ofCheckpoint)]);
      expect(await stateOf(killed, mixed)).toBe(killed.history.saves.length - 1);
    }
  });
});

/** Serves from a directory until the work is done; its result and the cluster's id. */
async function serve<Result>(
  path: string,
  use: (client: RawClient) => Promise<Result>,
): Promise<{ readonly result: Result; readonly clusterId: string }> {
  const started = await startRealNode(path);
  if ("refused" in started) throw new Error(started.refused);
  const client = await RawClient.connect(started.node.port);
  try {
    return { result: await use(client), clusterId: started.node.clusterId };
  } finally {
    client.close();
    await started.node.close();
  }
}

function setAll(client: RawClient, ...keys: string[]): Promise<Buffer[]> {
  client.send(...keys.map((key) => ["SET", key, `value of ${key}`]));
  return client.replies(keys.length, 3_000);
}

describe("a node that serves", () => {
  test("from an emptied directory founds another cluster, to which no former peer listens", () =>
    withDirectory(async (path) => {
      const before = await serve(path, (client) => setAll(client, "a"));
      rmSync(path, { recursive: true });
      const after = await serve(path, (client) => client.ask("GET", "a"));
      expect(after.result).toBe("$-1\r\n");
      expect(after.clusterId).not.toBe(before.clusterId);
    }));

  test("with the identity.json of an earlier start takes and answers every write, once", () =>
    withDirectory(async (path) => {
      const identity = join(path, "identity.json");
      await serve(path, (client) => setAll(client, "first"));
      const older = readFileSync(identity);
      await serve(path, (client) => setAll(client, "a", "b", "c"));
      writeFileSync(identity, older);
      const keys = ["d", "e", "f", "g", "h"];
      const { result } = await serve(path, async (client) => {
        const replies = await setAll(client, ...keys);
        return [replies.join(""), await client.ask("EXISTS", ...keys, "a", "first")];
      });
      expect(result).toEqual(["+OK\r\n".repeat(keys.length), ":7\r\n"]);
    }));

  test("refuses the log of another node", () =>
    withDirectory(async (path) => {
      const [one, other] = [join(path, "one"), join(path, "other")];
      await serve(one, (client) => setAll(client, "a", "b"));
      await serve(other, (client) => setAll(client, "c", "d"));
      // A second life makes this log longer than the checkpoint of the other needs.
      await serve(other, (client) => setAll(client, "e"));
      rmSync(join(one, "log"), { recursive: true });
      cpSync(join(other, "log"), join(one, "log"), { recursive: true });
      const found = await startRealNode(one);
      if ("node" in found) await found.node.close();
      expect(found).toHaveProperty("refused");
    }));

  test("keeps what was written behind a snapshot, also with the pointer file of its installation", () =>
    withDirectory(async (path) => {
      const { past, pointer } = await installThenWrite(path);
      expect(pointer).toContain('"restart": {');
      writeFileSync(join(path, "checkpoint.json"), pointer);
      const { result } = await serve(path, readByClient);
      expect(result).toEqual(readingAt(past, past.machine.appliedIndex));
    }));
});

/** A killed node that has installed a snapshot and gone on without another checkpoint. */
async function installThenWrite(path: string): Promise<{ past: Past; pointer: string }> {
  const past: Past = {
    machine: new Machine({ commands }),
    saves: [],
    entries: new Map(),
    membership: { members: [{ id: self, voter: true, address: "a:1 a:2" }], nextId: asNode(2) },
    olderBytes: 0,
    segment: 1,
  };
  const living = `${path}-living`;
  onTestFinished(() => rmSync(living, { recursive: true, force: true }));
  const directory = await DataDirectory.open(living);
  await directory.settle(newClusterId(), self);
  const node = new NodeLife(seeded(5), past, await openParts(living, directory));
  await node.found();
  await node.lead();
  await node.write(5);
  await node.checkpoint();
  let pointer = "";
  await node.install(() => {
    pointer = readFileSync(join(living, "checkpoint.json"), "utf8");
  });
  await node.write(5);
  await node.close();
  rmSync(path, { recursive: true });
  renameSync(living, path);
  return { past, pointer };
}
