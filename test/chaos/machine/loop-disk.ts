// A small disk of its own for a node: an ext4 file system in a file, so that it can lose power or be full.

import { mkdirSync, rmSync } from "node:fs";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { undoAtExit } from "./cleanup.ts";
import { run, runToTheEnd } from "./shell.ts";

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: what was not synced is gone, as after a power cut. */
export const shutdownScript = [
  `open(my $mount, "<", $ARGV[0]) or die $!;`,
  `my $flag = pack("L", 2);`,
  `ioctl($mount, 0x8004587D, $flag) or die $!;`,
].join(" ");

/** Room for the log of a run, and no more than fills in a moment. */
const diskBytes = 64 * 1024 * 1024;
/** Less than a growth step of the log, so that the next one fails. */
const bytesLeft = 64 * 1024;

export class LoopDisk {
  /** Where it is mounted. */
  readonly path: string;
  readonly #image: string;
  readonly #filler: string;
  readonly #undo: () => void;
  #isFrozen = false;

  private constructor(base: string, name: string) {
    this.path = join(base, name);
    this.#image = join(base, `${name}.img`);
    this.#filler = join(this.path, "filler");
    this.#undo = undoAtExit(() => {
      if (this.#isFrozen) runToTheEnd("fsfreeze", "--unfreeze", this.path);
      runToTheEnd("umount", "--lazy", this.path);
      rmSync(this.#image, { force: true });
    });
  }

  static async make(base: string, name: string): Promise<LoopDisk> {
    const disk = new LoopDisk(base, name);
    mkdirSync(disk.path, { recursive: true });
    await writeFile(disk.#image, "");
    await truncate(disk.#image, diskBytes);
    await run("mkfs.ext4", "-q", "-F", disk.#image);
    await disk.mount();
    return disk;
  }

  /** Every operation on the disk fails from now on, and what was not synced never existed. */
  async cutPower(): Promise<void> {
    await run("perl", "-e", shutdownScript, this.path);
  }

  async mount(): Promise<void> {
    // "mount -o loop" frees the device again with the mount.
    await run("mount", "-o", "loop", this.#image, this.path);
  }

  /** Nobody may have a file of it open. */
  async unmount(): Promise<void> {
    await run("umount", this.path);
  }

  /** Writes neither complete nor fail from now on, and reads of what is in memory go on. */
  async freeze(): Promise<void> {
    this.#isFrozen = true;
    await run("fsfreeze", "--freeze", this.path);
  }

  async thaw(): Promise<void> {
    if (!this.#isFrozen) return;
    await run("fsfreeze", "--unfreeze", this.path);
    this.#isFrozen = false;
  }

  async fill(): Promise<void> {
    const free = await run("stat", "--file-system", "--format=%a %S", this.path);
    const [blocks = 0, blockBytes = 0] = free.trim().split(" ").map(Number);
    const bytes = Math.max(0, blocks * blockBytes - bytesLeft);
    await run("fallocate", "--length", String(bytes), this.#filler);
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  dispose(): void {
    this.#undo();
  }
}
