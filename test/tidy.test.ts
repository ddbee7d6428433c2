// The architecture as a test: who may import whom, what is pure, one door per dependency.

import { readdirSync, readFileSync } from "node:fs";
import { join, normalize, sep } from "node:path";
import { expect, test } from "vitest";

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join("src", name));

const imports = (file: string): string[] =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /(?:^import |^} from |^export .* from ).*?"([^"\n]+)";/gm,
    ),
  ].map(([, path = ""]) => path);

/** The folder of src in which a path lies; files beside the folders are leaves or roots. */
const roomOf = (path: string): string => path.split(sep)[1] ?? "";

/** Who may import whom. A folder that is missing from a row is out of reach for that row. */
const reach = new Map([
  ["resp", ["resp"]],
  ["raft", ["raft"]],
  ["state", ["state", "resp"]],
  ["net", ["net", "raft", "state", "resp"]],
  ["node", ["node", "net", "raft", "state", "resp"]],
  ["cli", ["cli", "node", "net", "resp"]],
]);

/** Leaves that everybody may import, and those that only whoever does I/O may. */
const leaves = ["assert.ts", "constants.ts", "front-room.ts", "bytes.ts"];
const leavesForIo = ["disk.ts", "logger.ts", "system-error.ts", "version.ts"];
const ioRooms = [join("src", "raft", "storage"), join("src", "state", "checkpoint")];
const doesIo = (file: string): boolean =>
  ["net", "node", "cli"].includes(roomOf(file)) || ioRooms.some((room) => file.startsWith(room));

test("imports point one way: cli -> node -> net -> state -> resp; raft stands alone", () => {
  const offences: string[] = [];
  for (const file of files) {
    const room = roomOf(file);
    const allowed = reach.get(room);
    if (allowed === undefined) continue;
    const within = [...allowed, ...leaves, ...(doesIo(file) ? leavesForIo : [])];
    for (const path of imports(file).filter((each) => each.startsWith("."))) {
      const target = roomOf(normalize(join(file, "..", path)));
      if (!within.includes(target)) offences.push(`${file} -> ${path}`);
    }
  }
  expect(offences).toEqual([]);
});

/** The rooms inside of a folder, from the leaves up; the files beside them are words that all of them share. */
const rooms = new Map([
  ["net/peers", ["peers"]],
  ["net/clients", ["clients"]],
  ["node/directory", ["directory"]],
  ["node/members", ["members"]],
  ["node/config", ["config", "directory"]],
  ["node/resources", ["resources", "directory"]],
  ["node/snapshots", ["snapshots", "directory"]],
  ["node/time", ["time"]],
  ["node/replica", ["replica", "members", "time"]],
  ["state/memory", ["memory"]],
  ["state/parse", ["parse"]],
  ["state/keyspace", ["keyspace", "memory"]],
  ["state/commands", ["commands", "keyspace", "parse"]],
  ["state/execution", ["execution", "commands", "keyspace", "parse"]],
  ["state/checkpoint", ["checkpoint", "execution", "keyspace", "memory"]],
]);

test.each(["net", "node", "state"])("the rooms of %s point one way", (folder) => {
  const inFolder = (path: string): readonly string[] => path.split(sep).slice(2);
  const offences: string[] = [];
  for (const file of files.filter((each) => roomOf(each) === folder)) {
    const [room = "", isInside] = inFolder(file);
    if (isInside === undefined) continue;
    const allowed = rooms.get(`${folder}/${room}`);
    for (const path of imports(file).filter((each) => each.startsWith("."))) {
      const target = normalize(join(file, "..", path));
      const [targetRoom = "", isRoom] = inFolder(target);
      if (roomOf(target) !== folder || isRoom === undefined) continue;
      if (allowed?.includes(targetRoom) !== true) offences.push(`${file} -> ${path}`);
    }
  }
  expect(offences).toEqual([]);
});

test("nobody imports main.ts", () => {
  const offences = files.filter((file) => imports(file).some((path) => /\/main\.ts$/.test(path)));
  expect(offences).toEqual([]);
});

/** Checkpoints are the one place in state that does I/O. */
const isPure = (file: string): boolean =>
  (file.startsWith(join("src", "raft", "core")) || roomOf(file) === "state") &&
  !/state\/checkpoint\/(?:compact|level|load|redo-(?:apply|reader|writer)|store|transfer)\.ts$/.test(
    file.split(sep).join("/"),
  );

const impure =
  /\b(Date\.now|new Date|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|process\.)/;
/** Session commands never touch the data, so they may wait for the node that hands itself to them. */
const waits = (code: string): boolean => /\bawait /.test(code) && !code.includes("SessionCommand");

test("raft/core and state name no clock, chance, timer, promise or I/O", () => {
  const offences: string[] = [];
  for (const file of files.filter(isPure)) {
    const code = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    if (impure.test(code)) offences.push(`${file}: ${impure.exec(code)?.[0]}`);
    if (waits(code)) offences.push(`${file}: await`);
    for (const path of imports(file)) {
      const isNodeIo = path.startsWith("node:") && path !== "node:zlib";
      if (isNodeIo) offences.push(`${file}: ${path}`);
    }
  }
  expect(offences).toEqual([]);
});

/** Each package has one door (ARCHITECTURE.md says why it is there at all). */
const doors = new Map([
  ["level", "src/state/checkpoint/level.ts"],
  ["redis-parser", "src/resp/reply-decoder.ts"],
  ["pino", "src/logger.ts"],
  ["pino-pretty", "src/logger.ts"],
  ["commander", "src/cli/"],
]);

test("every dependency comes in by one door, and every dependency has one", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(manifest.dependencies).sort()).toEqual([...doors.keys()].sort());
  const offences: string[] = [];
  for (const file of files) {
    for (const path of imports(file)) {
      if (path.startsWith(".") || path.startsWith("node:")) continue;
      const door = doors.get(path);
      if (door === undefined || !file.split(sep).join("/").startsWith(door)) {
        offences.push(`${file} -> ${path}`);
      }
    }
  }
  expect(offences).toEqual([]);
});

test("every file of src begins with one sentence that says what it is", () => {
  const offences = files.filter((file) => {
    const [first = "", second = ""] = readFileSync(file, "utf8").split("\n");
    const head = first.startsWith("#!") ? second : first;
    return !/^\/\/ .+[.:,]?$/.test(head);
  });
  expect(offences).toEqual([]);
});

test("nothing is left for later without a word in the issue tracker", () => {
  const offences = files.filter((file) => /\b(TODO|FIXME|XXX)\b/.test(readFileSync(file, "utf8")));
  expect(offences).toEqual([]);
});
