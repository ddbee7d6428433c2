import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { diskFiles, type Files } from "../../../src/disk.ts";
import { CheckpointDirectory } from "../../../src/node/directory/checkpoint-directory.ts";
import { DataDirectoryError } from "../../../src/node/directory/data-directory.ts";

const point = { index: 70, term: 4 };

function emptyDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "kvorum-pointer-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  chmodSync(path, 0o700);
  return path;
}

/** A directory of a checkpoint, as far as these tests look into one. */
function makeCheckpoint(path: string, content: string): void {
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, "content"), content);
}

const contentOf = (path: string): string => readFileSync(join(path, "content"), "utf8");

/** A data directory in which the checkpoint "new" has taken the place of "old". */
async function switched(): Promise<{ path: string; directory: CheckpointDirectory }> {
  const path = emptyDirectory();
  makeCheckpoint(join(path, "checkpoint"), "old");
  const directory = await CheckpointDirectory.open(path);
  makeCheckpoint(directory.stagingPath(), "new");
  await directory.switchTo(directory.stagingPath(), point);
  return { path, directory };
}

describe("the checkpoint's directory", () => {
  test("is `checkpoint`, made for its owner alone, as long as none came from another node", async () => {
    const path = emptyDirectory();
    const directory = await CheckpointDirectory.open(path);
    expect(directory.current).toBe(join(path, "checkpoint"));
    expect(directory.restart).toBeNull();
    expect(statSync(directory.current).mode & 0o777).toBe(0o700);
    writeFileSync(join(directory.current, "content"), "kept");
    await CheckpointDirectory.open(path);
    expect(contentOf(directory.current)).toBe("kept");
    expect(readdirSync(path)).toEqual(["checkpoint"]);
  });

  test("gives way to the one that was staged, with the mark that the log has to restart", async () => {
    const { path, directory } = await switched();
    for (const each of [directory, await CheckpointDirectory.open(path)]) {
      expect(each.current).toBe(join(path, "checkpoint-1"));
      expect(contentOf(each.current)).toBe("new");
      expect(each.restart).toEqual(point);
    }
    expect(statSync(join(path, "checkpoint.json")).mode & 0o777).toBe(0o600);
  });

  test("loses the mark and the former directory once the log has restarted", async () => {
    const { path, directory } = await switched();
    expect(contentOf(join(path, "checkpoint"))).toBe("old");
    await directory.restarted();
    expect(directory.restart).toBeNull();
    expect(readdirSync(path).sort()).toEqual(["checkpoint-1", "checkpoint.json"]);
    const again = await CheckpointDirectory.open(path);
    expect(again.restart).toBeNull();
    expect(again.current).toBe(join(path, "checkpoint-1"));
  });

  test("changes as often as need be, each time under a new name", async () => {
    const { path, directory } = await switched();
    await directory.restarted();
    for (const name of ["checkpoint-2", "checkpoint-3"]) {
      makeCheckpoint(directory.stagingPath(), name);
      await directory.switchTo(directory.stagingPath(), point);
      await directory.restarted();
      expect(directory.current).toBe(join(path, name));
      expect(contentOf(directory.current)).toBe(name);
    }
  });

  test("is found among what a crash left, and that is removed", async () => {
    const { path, directory } = await switched();
    await directory.restarted();
    for (const left of ["checkpoint", "checkpoint-2", "checkpoint-staging"]) {
      makeCheckpoint(join(path, left), "left");
    }
    makeCheckpoint(join(path, "checkpoints of mine"), "kept");
    const again = await CheckpointDirectory.open(path);
    expect(contentOf(again.current)).toBe("new");
    expect(readdirSync(path).sort()).toEqual([
      "checkpoint-1",
      "checkpoint.json",
      "checkpoints of mine",
    ]);
  });
});

describe("is refused, with a line that says what to do:", () => {
  const pointerOf = (path: string) => join(path, "checkpoint.json");
  const edit = (from: string, to: string) => (path: string) => {
    const text = readFileSync(pointerOf(path), "utf8");
    expect(text).toContain(from);
    writeFileSync(pointerOf(path), text.replace(from, to));
  };
  const damaged = "checkpoint.json is damaged: bring it back from a backup, or let this node join";

  test.each<[string, (path: string) => void, string]>([
    ["an empty pointer", (path) => writeFileSync(pointerOf(path), ""), damaged],
    ["a pointer elsewhere", edit("checkpoint-1", "../checkpoint"), damaged],
    ["another directory", edit("checkpoint-1", "checkpoint-2"), damaged],
    ["a restart elsewhere", edit('"index": 70', '"index": 71'), damaged],
    ["a restart at no entry", edit('"index": 70', '"index": -1'), damaged],
    ["a pointer of format 0", edit('"format": 1', '"format": 0'), damaged],
    ["a pointer of a newer version", edit('"format": 1', '"format": 2'), "start that version"],
    [
      "a checkpoint that is gone",
      (path) => rmSync(join(path, "checkpoint-1"), { recursive: true }),
      "checkpoint-1 is gone, which checkpoint.json names: bring it back",
    ],
    [
      "a pointer that is gone",
      (path) => rmSync(pointerOf(path)),
      "holds checkpoint-1 but no checkpoint.json: bring that file back",
    ],
  ])("%s", async (_name, damage, words) => {
    const { path } = await switched();
    rmSync(join(path, "checkpoint"), { recursive: true });
    damage(path);
    const before = readdirSync(path);
    const opening = CheckpointDirectory.open(path);
    await expect(opening).rejects.toThrow(`data directory ${path}: `);
    await expect(opening).rejects.toThrow(words);
    await expect(opening).rejects.toBeInstanceOf(DataDirectoryError);
    expect(readdirSync(path)).toEqual(before);
  });

  test("any flipped bit of the pointer", async () => {
    const { path } = await switched();
    const pointer = readFileSync(pointerOf(path));
    for (let bit = 0; bit < 8 * pointer.length; bit += 5) {
      const changed = Buffer.from(pointer);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      writeFileSync(pointerOf(path), changed);
      await expect(CheckpointDirectory.open(path)).rejects.toBeInstanceOf(DataDirectoryError);
    }
  });

  test("a data directory that cannot be read", async () => {
    const path = join(emptyDirectory(), "none");
    await expect(CheckpointDirectory.open(path)).rejects.toThrow(
      `data directory ${path} cannot be used: No such file or directory`,
    );
  });
});

/** A file's content, or what stands in a directory of a checkpoint. */
type Thing = { readonly kind: "file" | "directory"; readonly content: string };

/** One operation on names of the data directory: names that then stand for something, or for nothing. */
interface Change {
  readonly names: ReadonlyMap<string, Thing | null>;
  /** The same, when the machine stops in the middle of it. */
  readonly torn?: ReadonlyMap<string, Thing | null>;
}

/**
 * The real disk, and a record of what was done on it. A power cut may take back any change of a name
 * that was not followed by a sync of the directory, whatever was done before or after it.
 */
function recordedFiles(home: string): { files: Files; changes: (Change | "sync")[] } {
  const changes: (Change | "sync")[] = [];
  const paths = new Map<number, string>();
  const record = (...names: readonly (readonly [string, Thing | null])[]): void => {
    for (const [path] of names) expect(dirname(path)).toBe(home);
    changes.push({ names: new Map(names.map(([path, thing]) => [basename(path), thing])) });
  };
  const files: Files = {
    ...diskFiles,
    async create(path, mode) {
      const fd = await diskFiles.create(path, mode);
      paths.set(fd, path);
      return fd;
    },
    /** Until then there is an empty file under a name that does not count. */
    write(fd, buffers, position, done) {
      diskFiles.write(fd, buffers, position, (error, written) => {
        const name = basename(paths.get(fd) ?? "");
        const text = Buffer.concat(buffers).toString();
        const torn = { kind: "file", content: text.slice(0, text.length / 2) } as const;
        changes.push({
          names: new Map([[name, { kind: "file", content: text }]]),
          torn: new Map([[name, torn]]),
        });
        done(error, written);
      });
    },
    async makeDirectory(path) {
      await diskFiles.makeDirectory(path);
      record([path, { kind: "directory", content: "" }]);
    },
    async rename(from, to) {
      const thing = thingAt(from);
      await diskFiles.rename(from, to);
      record([from, null], [to, thing]);
    },
    async remove(path) {
      await diskFiles.remove(path);
      record([path, null]);
    },
    async syncDirectory(path) {
      await diskFiles.syncDirectory(path);
      if (path === home) changes.push("sync");
    },
  };
  return { files, changes };
}

function thingAt(path: string): Thing {
  return statSync(path).isDirectory()
    ? { kind: "directory", content: contentOf(path) }
    : { kind: "file", content: readFileSync(path, "utf8") };
}

type Names = ReadonlyMap<string, Thing>;

function namesIn(path: string): Names {
  return new Map(readdirSync(path).map((name) => [name, thingAt(join(path, name))]));
}

function directoryOf(names: Names): string {
  const path = emptyDirectory();
  for (const [name, { kind, content }] of names) {
    if (kind === "file") writeFileSync(join(path, name), content);
    else makeCheckpoint(join(path, name), content);
  }
  return path;
}

/** Everything that may be on disk when the machine stops after so many changes. */
function* afterStop(
  start: Names,
  changes: readonly (Change | "sync")[],
  count: number,
): IterableIterator<Names> {
  const done = changes.slice(0, count);
  const synced = done.lastIndexOf("sync") + 1;
  const open = done.length - synced;
  const next = changes[count];
  const torn = next !== undefined && next !== "sync" ? next.torn : undefined;
  for (let lost = 0; lost < 2 ** open; lost++) {
    const names = new Map(start);
    done.forEach((change, at) => {
      const isLost = at >= synced && (lost & (1 << (at - synced))) !== 0;
      if (change !== "sync" && !isLost) put(names, change.names);
    });
    yield names;
    if (torn !== undefined) yield put(new Map(names), torn);
  }
}

function put(names: Map<string, Thing>, change: ReadonlyMap<string, Thing | null>): Names {
  for (const [name, thing] of change) {
    if (thing === null) names.delete(name);
    else names.set(name, thing);
  }
  return names;
}

describe("when the machine stops after any operation on the disk", () => {
  /** Runs a whole change of checkpoints and says how many operations each step had taken. */
  async function changeOver(start: Names) {
    const path = directoryOf(start);
    const { files, changes } = recordedFiles(path);
    const directory = await CheckpointDirectory.open(path, files);
    makeCheckpoint(directory.stagingPath(), "new");
    const staged = changes.push({
      names: new Map([["checkpoint-staging", { kind: "directory", content: "new" }]]),
    });
    await directory.switchTo(directory.stagingPath(), point);
    const switchedAt = changes.length;
    await directory.restarted();
    return { changes, staged, switchedAt };
  }

  const former: Names = new Map([["checkpoint", { kind: "directory", content: "old" }]]);

  async function later(): Promise<Names> {
    const { path, directory } = await switched();
    await directory.restarted();
    writeFileSync(join(directory.current, "content"), "old");
    makeCheckpoint(join(path, "checkpoint-2"), "left over");
    return namesIn(path);
  }

  /** Starts again on what is there, and says which checkpoint counts. */
  async function startOn(path: string, files: Files = diskFiles): Promise<string> {
    const { current, restart } = await CheckpointDirectory.open(path, files);
    if (restart !== null) expect(restart).toEqual(point);
    const left = readdirSync(path).filter((name) => !/^checkpoint\.json(\.new)?$/.test(name));
    expect(left).toEqual([basename(current)]);
    return `${contentOf(current)}, ${restart === null ? "no mark" : "mark"}`;
  }

  const starts: [string, () => Promise<Names>][] = [
    ["the first change", async () => former],
    ["a later change, after an earlier crash", later],
  ];

  test.each(starts)(
    "there is the old checkpoint or the new one, whole: %s",
    async (_, makeStart) => {
      const start = await makeStart();
      const { changes, staged, switchedAt } = await changeOver(start);
      const allowed = (count: number): string[] => {
        if (count < staged) return ["old, no mark"];
        if (count < switchedAt) return ["old, no mark", "new, mark"];
        if (count === switchedAt) return ["new, mark"];
        return count < changes.length ? ["new, mark", "new, no mark"] : ["new, no mark"];
      };
      const seen = new Set<string>();
      for (let count = 0; count <= changes.length; count++) {
        for (const names of afterStop(start, changes, count)) {
          const state = await startOn(directoryOf(names));
          expect(allowed(count)).toContain(state);
          seen.add(state);
        }
      }
      expect([...seen].sort()).toEqual(["new, mark", "new, no mark", "old, no mark"]);
    },
  );

  test.each(starts)("what a start has found stays, whatever follows: %s", async (_, makeStart) => {
    const start = await makeStart();
    const { changes } = await changeOver(start);
    for (let count = 0; count <= changes.length; count++) {
      // The process alone is killed: nothing is lost, and nothing more is synced.
      const killed = new Map(start);
      for (const change of changes.slice(0, count))
        if (change !== "sync") put(killed, change.names);
      const path = directoryOf(killed);
      const recorded = recordedFiles(path);
      const found = await startOn(path, recorded.files);
      const all = [...changes.slice(0, count), ...recorded.changes];
      for (const names of afterStop(start, all, all.length)) {
        expect(await startOn(directoryOf(names))).toBe(found);
      }
    }
  });
});
