// A new member that ended before it got its first entry goes on; one whose log is gone does not.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createServer } from "../../src/create-server.ts";
import { DataDirectory, logOwner, newClusterId } from "../../src/node/directory/data-directory.ts";
import { asIndex, asNode, asTerm, type Entry } from "../../src/raft/core/types.ts";
import { openSegmentLog } from "../../src/raft/storage/segment-log.ts";

/** As a new member leaves it that was killed after its first save, which held its term alone. */
async function memberWithoutEntries(entries: readonly Entry[] = []): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "kvorum-first-save-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const directory = await DataDirectory.open(dir);
  const identity = await directory.settle(newClusterId(), asNode(2));
  const log = await openSegmentLog({
    directory: join(dir, "log"),
    owner: logOwner(identity),
    onFailure: (error) => {
      throw error;
    },
    onBegun: () => directory.logBegun(),
  });
  if ("damaged" in log) throw new Error(log.damaged);
  const hardState = { term: asTerm(2), votedFor: null };
  await new Promise<void>((done) => log.save({ hardState, entries: [...entries] }, done));
  await log.close();
  await directory.close();
  return dir;
}

test("a member whose log holds only its term starts again, and waits for its leader", async () => {
  const server = await createServer({ dir: await memberWithoutEntries() });
  await server.close();
});

test("a member whose log is gone does not start, and is told how it joins anew", async () => {
  const dir = await memberWithoutEntries();
  await rm(join(dir, "log"), { recursive: true });
  await expect(createServer({ dir })).rejects.toThrow(/log of .* is gone.*RAFT REMOVE/s);
});

test("entries of another version are refused in one line that says what to do", async () => {
  const data = Buffer.alloc(34);
  data[0] = 1;
  const dir = await memberWithoutEntries([
    { index: asIndex(1), term: asTerm(2), kind: "data", data },
  ]);
  await expect(createServer({ dir })).rejects.toThrow(
    /^another version of kvorum wrote this log \(entries of format 1, this one reads 2\)/,
  );
});
