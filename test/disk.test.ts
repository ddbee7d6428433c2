// Directories that survive a power cut at any moment, and errors of another realm.

import { dirname } from "node:path";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { diskFiles, ensureDirectory, type Files } from "../src/disk.ts";
import { codeOf, describeError } from "../src/system-error.ts";

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Directories as a running system sees them, and as a power cut leaves them at the worst. */
class Tree {
  readonly seen: Set<string>;
  readonly durable: Set<string>;
  /** Operations until the power goes off. */
  lifetime: number;

  constructor(seen: Iterable<string>, durable: Iterable<string>, lifetime: number) {
    this.seen = new Set(seen);
    this.durable = new Set(durable);
    this.lifetime = lifetime;
  }

  readonly files: Files = {
    ...diskFiles,
    list: async (path) => {
      this.#live();
      if (!this.seen.has(path)) throw failure("ENOENT");
      return [];
    },
    makeDirectory: async (path) => {
      this.#live();
      if (this.seen.has(path)) throw failure("EEXIST");
      if (!this.seen.has(dirname(path))) throw failure("ENOENT");
      this.seen.add(path);
    },
    syncDirectory: async (path) => {
      this.#live();
      for (const each of this.seen) if (dirname(each) === path) this.durable.add(each);
    },
  };

  #live(): void {
    this.lifetime -= 1;
    if (this.lifetime < 0) throw new Error("died");
  }
}

const wanted = ["/", "/a", "/a/b", "/a/b/c"];

test("a directory and all that were made for it are durable, also when an earlier start died on the way", async () => {
  for (let lifetime = 0; lifetime <= 14; lifetime += 1) {
    const first = new Tree(["/"], ["/"], lifetime);
    await ensureDirectory(first.files, "/a/b/c").catch(() => {});
    // The process died and not the machine: what was made is seen, and may never have been synced.
    const second = new Tree(first.seen, first.durable, Number.POSITIVE_INFINITY);
    await ensureDirectory(second.files, "/a/b/c");
    expect([...second.durable].toSorted(), `died after ${lifetime} operations`).toEqual(wanted);
  }
});

test("a directory under one that may not be looked into is used as it is, but not made there", async () => {
  const shut = (tree: Tree): Files => ({
    ...tree.files,
    syncDirectory: () => Promise.reject(failure("EACCES")),
  });
  await ensureDirectory(shut(new Tree(["/", "/a"], [], 9)), "/a");
  await expect(ensureDirectory(shut(new Tree(["/"], [], 9)), "/a")).rejects.toThrow("EACCES");
});

test("an error of another realm keeps its code and its words", () => {
  const error: unknown = runInNewContext(
    'Object.assign(new Error("no entry"), { code: "ENOENT", errno: -2 })',
  );
  expect(error).not.toBeInstanceOf(Error);
  expect(codeOf(error)).toBe("ENOENT");
  expect(describeError(error)).toBe("No such file or directory");
  expect(describeError(runInNewContext('new Error("odd")'))).toBe("odd");
});
