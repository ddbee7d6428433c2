// A disk that fills up, for real: writes end in time, nothing is lost, and clients can free space by themselves.

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { Redis } from "ioredis";
import { describe, expect, type TestContext, test } from "vitest";
import { ServerProcess } from "../support/process-server.ts";
import { canMount, SmallDisk } from "../support/small-disk.ts";

const MiB = 2 ** 20;
/** On a busy machine a checkpoint takes so long, and then there is space again. */
const checkpointMs = 6_000;
/** So long what was deleted may take until its space is given back: a merge rests after the one before. */
const mergeMs = 30_000;
const pauseMs = 100;

type Finished = Pick<TestContext, "onTestFinished">;

/** Keys with their values, as far as they are compared. */
type Acknowledged = Map<string, { readonly first: number; readonly length: number }>;

function smallDisk(context: Finished, mebibytes: number): SmallDisk {
  const disk = new SmallDisk(mebibytes);
  // The first that is registered runs last.
  context.onTestFinished(() => disk.dispose());
  return disk;
}

async function startOn(context: Finished, disk: SmallDisk): Promise<ServerProcess> {
  const server = await ServerProcess.launch({
    dir: join(disk.path, "node"),
    args: ["--loglevel", "debug"],
  });
  context.onTestFinished(() => server.dispose());
  await server.answers();
  return server;
}

async function restart(
  context: Finished,
  server: ServerProcess,
): Promise<{ server: ServerProcess; client: Redis }> {
  await server.kill();
  const next = await server.restart();
  context.onTestFinished(() => next.dispose());
  await next.answers();
  return { server: next, client: clientOf(context, next) };
}

function clientOf(context: Finished, { port }: ServerProcess): Redis {
  const client = new Redis(port, {
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  client.on("error", () => undefined); // Requests fail, and say so.
  context.onTestFinished(() => client.disconnect());
  return client;
}

const isDiskFull = (error: unknown): boolean => String(error).includes("DISKFULL");

interface Filling {
  readonly prefix: string;
  readonly valueBytes: number;
  readonly bytesMax?: number;
  /** How long no write is taken until it ends. */
  readonly patienceMs?: number;
}

/** Until no write has been taken for a while, or so many bytes were. Resolves to the bytes. */
async function fill(client: Redis, acknowledged: Acknowledged, filling: Filling): Promise<number> {
  const { prefix, valueBytes } = filling;
  const { bytesMax = Number.POSITIVE_INFINITY, patienceMs = checkpointMs } = filling;
  let taken = 0;
  // Near the end each checkpoint gives back a little, and lets one more write in: that may go on for long.
  const refusalsMax = (3 * patienceMs) / pauseMs;
  let refusals = 0;
  for (let inARow = 0; inARow < patienceMs / pauseMs && taken < bytesMax; ) {
    const value = randomBytes(valueBytes);
    const key = `${prefix}${taken}`;
    try {
      await client.set(key, value);
      acknowledged.set(key, { first: value.readUInt32LE(), length: value.length });
      taken += valueBytes;
      inARow = 0;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      inARow += 1;
      refusals += 1;
      if (refusals === refusalsMax) break;
      await sleep(pauseMs);
    }
  }
  return taken;
}

async function expectAll(client: Redis, acknowledged: Acknowledged): Promise<void> {
  const lost: string[] = [];
  for (const [key, { first, length }] of acknowledged) {
    const value = await client.getBuffer(key);
    if (value?.length !== length || value.readUInt32LE() !== first) lost.push(key);
  }
  expect(lost).toEqual([]);
}

/** What frees space may have to wait for a checkpoint. */
async function patiently<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!isDiskFull(error) || attempt === 600) throw error;
      await sleep(pauseMs);
    }
  }
}

async function deleteHalf(client: Redis, acknowledged: Acknowledged): Promise<void> {
  for (const key of [...acknowledged.keys()].filter((_, at) => at % 2 === 0)) {
    expect(await patiently(() => client.del(key))).toBe(1);
    acknowledged.delete(key);
  }
}

describe.skipIf(!canMount()).concurrent("a full disk", () => {
  // Somebody else has files on the larger one, so that it is full sooner.
  test.for([
    { mebibytes: 60, others: 0, valueBytes: 100_000, expected: 6 * MiB },
    { mebibytes: 400, others: 170 * MiB, valueBytes: 500_000, expected: 20 * MiB },
  ])(
    "of $mebibytes MB: writes get -DISKFULL in time, nothing is lost, and a client frees space",
    { timeout: 120_000 },
    async ({ mebibytes, others, valueBytes, expected }, context) => {
      const disk = smallDisk(context, mebibytes);
      if (others > 0) disk.fill(others);
      const acknowledged: Acknowledged = new Map();
      const first = await startOn(context, disk);
      const taken = await fill(clientOf(context, first), acknowledged, { prefix: "a", valueBytes });
      expect(taken).toBeGreaterThan(expected);

      const { server, client } = await restart(context, first);
      await expectAll(client, acknowledged);
      await deleteHalf(client, acknowledged);
      await patiently(() => client.set("small", "again"));
      const bytesMax = taken / 4;
      const filling = { prefix: "b", valueBytes, bytesMax, patienceMs: mergeMs };
      const again = await fill(client, acknowledged, filling);
      expect(again).toBeGreaterThanOrEqual(bytesMax);
      await expectAll(client, acknowledged);
      expect(await server.stop()).toEqual({ code: 0, signal: null });
    },
  );

  test.for(["redo.new", "redo"])(
    "and SIGKILL while %s is there: the next start takes writes again when a client has deleted keys",
    { timeout: 120_000 },
    async (name, context) => {
      const disk = smallDisk(context, 100);
      const acknowledged: Acknowledged = new Map();
      const first = await startOn(context, disk);
      const file = join(disk.path, "node", "checkpoint", name);
      let isKilled = false;
      const killer = (async () => {
        while (disk.freeBytes > 55 * MiB || !existsSync(file)) await turn();
        isKilled = true;
        await first.kill();
      })();
      const filling = { prefix: "a", valueBytes: 100_000 };
      await fill(clientOf(context, first), acknowledged, filling).catch(() => undefined);
      expect(isKilled).toBe(true);
      await killer;

      const { server, client } = await restart(context, first);
      await expectAll(client, acknowledged);
      await fill(client, acknowledged, { ...filling, prefix: "b" });
      await deleteHalf(client, acknowledged);
      const again = { ...filling, prefix: "c", bytesMax: 3 * MiB, patienceMs: mergeMs };
      expect(await fill(client, acknowledged, again)).toBeGreaterThanOrEqual(again.bytesMax);
      await expectAll(client, acknowledged);
      expect(await server.stop()).toEqual({ code: 0, signal: null });
    },
  );

  test("that somebody else has filled: a start serves reads, and FLUSHALL gives back what the keys took", {
    timeout: 120_000,
  }, async (context) => {
    const disk = smallDisk(context, 100);
    const acknowledged: Acknowledged = new Map();
    const first = await startOn(context, disk);
    const filling = { prefix: "a", valueBytes: 100_000, bytesMax: 15 * MiB };
    const taken = await fill(clientOf(context, first), acknowledged, filling);
    // Killed in a checkpoint it might have no room to finish that, and refuse to start until there is.
    await first.stop();
    disk.fill();
    expect(disk.freeBytes).toBeLessThan(MiB);

    const { client } = await restart(context, first);
    await expectAll(client, acknowledged);
    await expect(client.set("k", "v")).rejects.toThrow("DISKFULL");
    expect(await patiently(() => client.flushall())).toBe("OK");
    while (disk.freeBytes < taken / 2) await sleep(50);
    disk.release();
    expect(await patiently(() => client.set("k", "v"))).toBe("OK");
  });

  test.for([12, 16, 32])(
    "of %i MB is too small to be of use, and is refused at the start in one line",
    async (mebibytes, context) => {
      const disk = smallDisk(context, mebibytes);
      const server = await ServerProcess.launch({
        dir: join(disk.path, "node"),
        args: ["--loglevel", "debug"],
      });
      context.onTestFinished(() => server.dispose());
      expect(await server.exited).toEqual({ code: 1, signal: null });
      expect(server.log).toMatch(/the disk of .* has \d+ MiB, and a node needs \d+ MiB at least/);
      expect(server.log.trim().split("\n")).toHaveLength(1);
    },
  );
});
