// A file system of its own in a file: it can be full without harm to anybody.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (program: string, ...args: readonly string[]): void => {
  execFileSync(program, args, { stdio: "pipe" });
};

/** Whether this user may mount file systems here. */
export function canMount(): boolean {
  try {
    new SmallDisk(16).dispose();
    return true;
  } catch {
    return false;
  }
}

export class SmallDisk {
  readonly #place = mkdtempSync(join(tmpdir(), "kvorum-disk-"));
  readonly path = join(this.#place, "mounted");

  constructor(mebibytes: number) {
    const image = join(this.#place, "image");
    try {
      run("truncate", "-s", `${mebibytes}M`, image);
      run("mkfs.ext4", "-q", "-F", "-m", "0", image);
      run("mkdir", this.path);
      run("mount", "-o", "loop", image, this.path);
    } catch (error) {
      rmSync(this.#place, { recursive: true, force: true });
      throw error;
    }
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Somebody else takes so many bytes, or all the space that is left. */
  fill(bytes = this.freeBytes + 2 ** 20): void {
    try {
      writeFileSync(join(this.path, "other"), Buffer.alloc(bytes));
    } catch {
      // It has taken what there was.
    }
  }

  release(): void {
    rmSync(join(this.path, "other"));
  }

  dispose(): void {
    run("umount", this.path);
    rmSync(this.#place, { recursive: true, force: true });
  }
}
