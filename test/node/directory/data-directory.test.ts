import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { DataDirectory, newClusterId } from "../../../src/node/directory/data-directory.ts";
import { asNode } from "../../../src/raft/core/types.ts";

const clusterId = "0123456789abcdef0123456789abcdef";

function emptyDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "kvorum-directory-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  chmodSync(path, 0o700);
  return path;
}

async function opened(path: string): Promise<DataDirectory> {
  const directory = await DataDirectory.open(path);
  onTestFinished(() => directory.close());
  return directory;
}

/** A directory in which node 3 lives, opened and closed once. */
async function settled(): Promise<string> {
  const path = emptyDirectory();
  const directory = await DataDirectory.open(path);
  await directory.settle(clusterId, asNode(3));
  await directory.close();
  return path;
}

describe("a new directory", () => {
  test("is created for its owner alone, with the directories above it", async () => {
    const path = join(emptyDirectory(), "a", "b");
    const directory = await opened(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(directory.identity).toBeNull();
    expect(directory.warnings.filter((line) => line.includes("chmod"))).toEqual([]);
  });

  test("gets an identity that only its owner can read", async () => {
    const path = emptyDirectory();
    const directory = await opened(path);
    const identity = await directory.settle(clusterId, asNode(3));
    expect(identity).toEqual({ clusterId, nodeId: 3, incarnation: 1, hasLog: false });
    expect(directory.identity).toEqual(identity);
    expect(statSync(join(path, "identity.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(path).filter((name) => !name.startsWith("lock."))).toEqual([
      "identity.json",
    ]);
  });

  test("may already hold a configuration file or a file system's lost+found", async () => {
    const path = emptyDirectory();
    writeFileSync(join(path, "kvorum.conf"), "");
    mkdirSync(join(path, "lost+found"));
    expect((await opened(path)).identity).toBeNull();
  });
});

test("every start counts: the incarnation on disk is higher before anybody sees it", async () => {
  const path = await settled();
  for (const incarnation of [2, 3, 4]) {
    const directory = await DataDirectory.open(path);
    const onDisk: unknown = JSON.parse(readFileSync(join(path, "identity.json"), "utf8"));
    expect(onDisk).toMatchObject({ clusterId, nodeId: 3, incarnation });
    expect(directory.identity).toEqual({ clusterId, nodeId: 3, incarnation, hasLog: false });
    await directory.close();
  }
});

test("that the log has begun is remembered", async () => {
  const path = await settled();
  const directory = await DataDirectory.open(path);
  await directory.logBegun();
  expect(directory.identity).toEqual({ clusterId, nodeId: 3, incarnation: 2, hasLog: true });
  await directory.close();
  expect((await opened(path)).identity).toMatchObject({ incarnation: 3, hasLog: true });
});

test("a start that died while it wrote the identity does not hinder the next", async () => {
  const path = await settled();
  writeFileSync(join(path, "identity.json.new"), '{"form');
  expect((await opened(path)).identity?.incarnation).toBe(2);
});

describe("a directory that asks to join", () => {
  test("has the same name again after a crash, and every other directory another", async () => {
    const path = emptyDirectory();
    const names = new Set<string>();
    for (let each = 0; each < 3; each++) {
      const directory = await DataDirectory.open(path);
      names.add(await directory.joiningAs());
      names.add(await directory.joiningAs());
      await directory.close();
      writeFileSync(join(path, "joining.json.new"), '{"form');
    }
    expect(names.size).toBe(1);
    expect([...names][0]).toMatch(/^[0-9a-f]{32}$/);
    expect(names).not.toContain(await (await opened(emptyDirectory())).joiningAs());
  });

  test("gives the name up once it has a node, also when a crash has left it there", async () => {
    const path = emptyDirectory();
    const directory = await DataDirectory.open(path);
    await directory.joiningAs();
    const name = join(path, "joining.json");
    const left = readFileSync(name);
    await directory.settle(clusterId, asNode(3));
    expect(existsSync(name)).toBe(false);
    await directory.close();
    writeFileSync(name, left);
    await opened(path);
    expect(existsSync(name)).toBe(false);
  });

  test("does not join under a damaged name", async () => {
    const path = emptyDirectory();
    const directory = await opened(path);
    const name = await directory.joiningAs();
    const file = join(path, "joining.json");
    writeFileSync(file, readFileSync(file, "utf8").replace(name, "0".repeat(32)));
    await expect(directory.joiningAs()).rejects.toThrow("joining.json is damaged");
  });
});

describe("is refused, with a line that says what to do:", () => {
  const refusals: [string, (path: string) => void, string][] = [
    [
      "a log without an identity",
      (path) => {
        rmSync(join(path, "identity.json"));
        mkdirSync(join(path, "log"));
      },
      "holds log but no identity.json: bring that file back, or give an empty directory",
    ],
    [
      "an identity cut short",
      (path) => writeFileSync(join(path, "identity.json"), '{ "format": 1, '),
      "identity.json is damaged",
    ],
    [
      "an identity that is no object",
      (path) => writeFileSync(join(path, "identity.json"), "null"),
      "identity.json is damaged",
    ],
    ["another node's number", (path) => edit(path, '"nodeId": 3', '"nodeId": 2'), "is damaged"],
    [
      "an older incarnation",
      (path) => edit(path, '"incarnation": 1', '"incarnation": 9'),
      "is damaged",
    ],
    ["a log denied", (path) => edit(path, '"hasLog": false', '"hasLog": true'), "is damaged"],
    ["node 0", (path) => edit(path, '"nodeId": 3', '"nodeId": 0'), "is damaged"],
    [
      "a future format",
      (path) => edit(path, '"format": 1', '"format": 2'),
      "was written by a newer version of kvorum (format 2, this one knows up to 1)",
    ],
  ];

  test.each(refusals)("%s", async (_name, damage, words) => {
    const path = await settled();
    damage(path);
    await expect(DataDirectory.open(path)).rejects.toThrow(words);
    await expect(DataDirectory.open(path)).rejects.toThrow(path);
  });

  test("a file in place of the directory", async () => {
    const path = join(emptyDirectory(), "file");
    writeFileSync(path, "");
    await expect(DataDirectory.open(path)).rejects.toThrow("Not a directory");
    await expect(DataDirectory.open(join(path, "below"))).rejects.toThrow("Not a directory");
  });

  test("a directory below one that cannot be written", async () => {
    await expect(DataDirectory.open("/sys/kvorum")).rejects.toThrow(/cannot be used: .*\. It has/);
  });
});

function edit(path: string, from: string, to: string): void {
  const file = join(path, "identity.json");
  const text = readFileSync(file, "utf8");
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

describe("the lock", () => {
  test("lets one at a time in, and the next one when it is released", async () => {
    const path = await settled();
    const first = await DataDirectory.open(path);
    await expect(DataDirectory.open(path)).rejects.toThrow(
      `data directory ${path} is in use by process ${process.pid}: stop that one first`,
    );
    expect(JSON.parse(readFileSync(join(path, "identity.json"), "utf8"))).toMatchObject({
      incarnation: 2,
    });
    await first.close();
    expect(readdirSync(path)).toEqual(["identity.json"]);
    expect((await opened(path)).identity?.incarnation).toBe(3);
  });

  test("lets exactly one of many that start together in", async () => {
    for (let round = 0; round < 5; round += 1) {
      const path = emptyDirectory();
      const starts = await Promise.allSettled(
        Array.from({ length: 6 }, () => DataDirectory.open(path)),
      );
      const winners = starts.flatMap((start) =>
        start.status === "fulfilled" ? [start.value] : [],
      );
      expect(winners).toHaveLength(1);
      await winners[0]?.close();
    }
  });

  test("works in a directory whose path is longer than a socket's may be", async () => {
    const path = join(emptyDirectory(), "x".repeat(120), "y".repeat(100));
    const first = await DataDirectory.open(path);
    await expect(DataDirectory.open(path)).rejects.toThrow("in use by process");
    await first.close();
    expect(readdirSync(path)).toEqual([]);
    await (await DataDirectory.open(path)).close();
  });

  test("is held while its process lives, stopped or not, and gone when it is killed", async () => {
    const path = emptyDirectory();
    const holder = await otherProcess(path);
    const { pid } = holder;
    await expect(DataDirectory.open(path)).rejects.toThrow(`in use by process ${pid}`);
    holder.kill("SIGSTOP");
    await expect(DataDirectory.open(path)).rejects.toThrow(`in use by process ${pid}`);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(readdirSync(path).some((name) => name.startsWith(`lock.${pid}.`))).toBe(true);
    await opened(path);
    expect(readdirSync(path).some((name) => name.startsWith(`lock.${pid}.`))).toBe(false);
  });
});

/** Another process that listens on a lock's socket, as a running node does. */
async function otherProcess(path: string) {
  const script = join(emptyDirectory(), "holder.mjs");
  writeFileSync(
    script,
    `import { createServer } from "node:net";
     const server = createServer((socket) => socket.end("holds"));
     server.listen(process.argv[2] + "/lock." + process.pid + ".00000000", () => process.send("up"));`,
  );
  const child = fork(script, [path], { execArgv: [] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child, "message");
  return child;
}

test("a directory in memory is warned of", async () => {
  const path = mkdtempSync("/dev/shm/kvorum-");
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const { warnings } = await opened(path);
  expect(warnings).toEqual([
    `${path} is in memory (tmpfs): what is written there does not survive a crash`,
  ]);
});

test("a directory that others can enter is warned of", async () => {
  const path = emptyDirectory();
  chmodSync(path, 0o755);
  expect((await opened(path)).warnings.join()).toContain("chmod 700 is advised");
});

test("cluster ids are 128 random bits", () => {
  expect(newClusterId()).toMatch(/^[0-9a-f]{32}$/);
  expect(newClusterId()).not.toBe(newClusterId());
});
