// A disk that fills up, for real: writes end in time, nothing is lost, and clients can free space by themselves.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { ServerProcess } from "../support/process-server.ts";
import { canMount, SmallDisk } from "../support/small-disk.ts";

const valueBytes = 100_000;
const refusedInARow = 5;

/** Keys with the first bytes of their values. */
type Acknowledged = Map<string, number>;

async function startOn(disk: SmallDisk): Promise<ServerProcess> {
  const server = await ServerProcess.launch({
    dir: join(disk.path, "node"),
    args: ["--loglevel", "debug"],
  });
  onTestFinished(() => server.dispose());
  await server.answers();
  return server;
}

function clientOf({ port }: ServerProcess): Redis {
  const client = new Redis(port, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  onTestFinished(() => client.disconnect());
  return client;
}

const isDiskFull = (error: unknown): boolean => String(error).includes("DISKFULL");

/** Until no write has been taken for a while: a checkpoint gives space back now and then. */
async function fill(client: Redis, prefix: string, acknowledged: Acknowledged): Promise<number> {
  let taken = 0;
  for (let at = 0, refused = 0; refused < refusedInARow; at++) {
    const value = randomBytes(valueBytes);
    try {
      await client.set(`${prefix}${at}`, value);
      acknowledged.set(`${prefix}${at}`, value.readUInt32LE());
      taken += 1;
      refused = 0;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      refused += 1;
      await sleep(500);
    }
  }
  return taken;
}

async function expectAll(client: Redis, acknowledged: Acknowledged): Promise<void> {
  const lost: string[] = [];
  for (const [key, first] of acknowledged) {
    const value = await client.getBuffer(key);
    if (value?.length !== valueBytes || value.readUInt32LE() !== first) lost.push(key);
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
      await sleep(100);
    }
  }
}

async function restart(server: ServerProcess): Promise<{ server: ServerProcess; client: Redis }> {
  await server.kill();
  const next = await server.restart();
  onTestFinished(() => next.dispose());
  await next.answers();
  return { server: next, client: clientOf(next) };
}

function smallDisk(mebibytes: number): SmallDisk {
  const disk = new SmallDisk(mebibytes);
  // The first that is registered runs last.
  onTestFinished(() => disk.dispose());
  return disk;
}

describe.skipIf(!canMount())("a full disk", () => {
  test.each([60, 400])(
    "of %i MB: writes get -DISKFULL in time, nothing is lost, and a client frees space",
    async (mebibytes) => {
      const disk = smallDisk(mebibytes);
      const acknowledged: Acknowledged = new Map();
      const first = await startOn(disk);
      expect(await fill(clientOf(first), "a", acknowledged)).toBeGreaterThan(mebibytes);

      const { server, client } = await restart(first);
      await expectAll(client, acknowledged);
      for (const key of [...acknowledged.keys()].filter((_, at) => at % 2 === 0)) {
        expect(await patiently(() => client.del(key))).toBe(1);
        acknowledged.delete(key);
      }
      await patiently(() => client.set("small", "again"));
      expect(await fill(client, "b", acknowledged)).toBeGreaterThan(mebibytes / 4);
      await expectAll(client, acknowledged);
      expect(await server.stop()).toEqual({ code: 0, signal: null });
    },
    240_000,
  );

  test("that somebody else has filled: a start serves reads, and FLUSHALL gives back what the keys took", async () => {
    const disk = smallDisk(100);
    const acknowledged: Acknowledged = new Map();
    const first = await startOn(disk);
    await fill(clientOf(first), "a", acknowledged);
    await first.stop();
    disk.fill();
    expect(disk.freeBytes).toBeLessThan(2 ** 20);

    const { client } = await restart(first);
    await expectAll(client, acknowledged);
    await expect(client.set("k", "v")).rejects.toThrow("DISKFULL");
    expect(await patiently(() => client.flushall())).toBe("OK");
    const dataBytes = acknowledged.size * valueBytes;
    while (disk.freeBytes < dataBytes / 2) await sleep(50);
    disk.release();
    expect(await patiently(() => client.set("k", "v"))).toBe("OK");
  }, 120_000);

  test("that is too small to be of use is refused at the start, in one line", async () => {
    const disk = smallDisk(32);
    const server = await ServerProcess.launch({
      dir: join(disk.path, "node"),
      args: ["--loglevel", "debug"],
    });
    onTestFinished(() => server.dispose());
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.log).toMatch(/the disk of .* has \d+ MiB, and a node needs \d+ MiB at least/);
    expect(server.log.trim().split("\n")).toHaveLength(1);
  });
});
