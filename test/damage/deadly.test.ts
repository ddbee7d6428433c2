// Checkpoints that LevelDB ends the process over: a start dies without a word, the next one says why.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../../src/create-server.ts";
import { probeCheckpoint } from "../../src/node/snapshots/probe.ts";
import { StartError } from "../../src/node/start-error.ts";
import { root, ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";
import { temporaryDirectory } from "../support/state-checkpoint.ts";
import { type Image, withDirectory, withFile, writeImage } from "./image.ts";
import { prepare } from "./prepare.ts";

const sectorBytes = 512;
const markName = "checkpoint-loading";

let sound: Image;
let deadly: Image;
beforeAll(async () => {
  sound = (await prepare(636232)).orderly.image;
  deadly = await findDeadly(sound);
});

/** One sector of a table of the checkpoint is zeroed: about every sixth makes LevelDB abort. */
async function findDeadly(image: Image): Promise<Image> {
  const tables = [...image].filter(([path]) => /^checkpoint\/\d+\.ldb$/.test(path));
  for (const [path, content] of tables.toReversed()) {
    for (let at = 0; at < content.length; at += sectorBytes) {
      const zeroed = Buffer.from(content);
      zeroed.subarray(at, at + sectorBytes).fill(0);
      const damaged = withFile(image, path, zeroed);
      if ((await probed(damaged)) !== null) return damaged;
    }
  }
  throw new Error("no zeroed sector makes LevelDB abort");
}

function probed(image: Image): Promise<NodeJS.Signals | null> {
  return withDirectory((path) => {
    writeImage(image, path);
    return probeCheckpoint(join(path, "checkpoint"));
  });
}

async function directoryOf(image: Image): Promise<string> {
  const path = await temporaryDirectory();
  writeImage(image, path);
  return path;
}

const hasMark = (path: string): boolean => existsSync(join(path, markName));

async function launch(dir: string, wrapper: readonly string[] = []): Promise<ServerProcess> {
  const server = await ServerProcess.launch({ dir, wrapper });
  onTestFinished(() => server.dispose());
  return server;
}

describe("a checkpoint over which LevelDB aborts", () => {
  test("ends the first start, and every other one says what to do, until it is brought back", async () => {
    const dir = await directoryOf(deadly);
    const first = await launch(dir);
    expect(await first.exited).toEqual({ code: null, signal: "SIGABRT" });

    for (let start = 2; start <= 3; start += 1) {
      const next = await launch(dir);
      expect(await next.exited).toEqual({ code: 1, signal: null });
      const lines = next.log.split("\n").filter((line) => line.includes('"level":60'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`the checkpoint in ${join(dir, "checkpoint")} is damaged`);
      expect(lines[0]).toContain("SIGABRT");
      expect(lines[0]).toMatch(/RAFT REMOVE.* join anew with an empty directory/);
    }

    const [table = ""] = [...sound.keys()].filter((path) => sound.get(path) !== deadly.get(path));
    writeFileSync(join(dir, table), sound.get(table) as Buffer);
    const last = await launch(dir);
    await last.takesWrites();
    expect(hasMark(dir)).toBe(false);
  });

  test("does not end a program that has a node in itself, once a start has died of it", async () => {
    const dir = await directoryOf(withFile(deadly, markName, Buffer.alloc(0)));
    await expect(createServer({ dir })).rejects.toThrow(StartError);
    expect(hasMark(dir)).toBe(true);
  });
});

describe.skipIf(!requireTool("strace"))("a kill -9 in the middle of the load", () => {
  test("leaves a sound directory that starts as ever", async () => {
    const dir = await directoryOf(sound);
    const first = await launch(dir, [
      ...["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", join(dir, "checkpoint", "LOCK")],
      ...["-e", "trace=openat,open", "-e", "inject=openat,open:signal=SIGKILL"],
    ]);
    expect(await first.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(hasMark(dir)).toBe(true);

    const next = await launch(dir);
    await next.takesWrites();
    expect(hasMark(dir)).toBe(false);
  });
});

describe("a probe", () => {
  test("is outlived where the checkpoint is sound, is damaged in a way that LevelDB notices, or is gone", async () => {
    expect(await probed(sound)).toBeNull();
    expect(await probed(withFile(sound, "checkpoint/CURRENT", Buffer.from("nonsense")))).toBeNull();
    expect(await probeCheckpoint("/dev/null/nowhere")).toBeNull();
  });

  test("that somebody kills says nothing of the checkpoint", async () => {
    const dir = await directoryOf(sound);
    const probing = probeCheckpoint(join(dir, "checkpoint"));
    expect(process.kill(await processWith(join(dir, "checkpoint")), "SIGKILL")).toBe(true);
    expect(await probing).toBeNull();
  });
});

describe("the process of a probe", () => {
  const program = join(root, "dist", "node", "snapshots", "probe-process.js");
  const probe = (dir: string): ChildProcess => fork(program, [join(dir, "checkpoint")]);

  test("ends at once without the node that waits for it, and leaves the checkpoint to the next", async () => {
    const dir = await directoryOf(sound);
    const waitedFor = probe(dir);
    expect(await once(waitedFor, "exit")).toEqual([0, null]);
    const alone = probe(dir);
    alone.disconnect();
    expect(await once(alone, "exit")).toEqual([1, null]);
  });
});

/** The id of the process that has this argument. */
async function processWith(argument: string): Promise<number> {
  for (;;) {
    const found = readdirSync("/proc").find((name) => {
      return /^\d+$/.test(name) && argumentsOf(name).includes(argument);
    });
    if (found !== undefined) return Number(found);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function argumentsOf(id: string): readonly string[] {
  try {
    return readFileSync(join("/proc", id, "cmdline"), "utf8").split("\0");
  } catch {
    return []; // It has ended meanwhile.
  }
}
