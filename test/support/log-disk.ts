// A disk in memory that loses power and lies on command: what was not synced may be lost, in pieces.

import type { LogFiles } from "../../src/raft/storage/files.ts";
import type { Random } from "./log-random.ts";

const sectorBytes = 512;

interface Inode {
  /** What the running system reads. */
  cached: Buffer;
  /** What a power cut leaves. */
  durable: Buffer;
}

type NameChange = { readonly path: string; readonly inode: Inode | null };

/** Files whose two sides are equal, and shared with nobody. */
const fresh =
  (side: "cached" | "durable") =>
  ([path, inode]: readonly [string, Inode]): [string, Inode] => [
    path,
    { cached: Buffer.from(inode[side]), durable: Buffer.from(inode[side]) },
  ];

const noSuchFile = (path: string): Error =>
  Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });

/** In place when there is room. */
function overwritten(old: Buffer, bytes: Uint8Array, at: number): Buffer {
  if (at + bytes.length <= old.length) {
    old.set(bytes, at);
    return old;
  }
  const grown = Buffer.alloc(Math.max(old.length, at + bytes.length));
  grown.set(old);
  grown.set(bytes, at);
  return grown;
}

export class SimulatedDisk implements LogFiles {
  /** Resolves when the power went off; no operation completes any more. */
  readonly died: Promise<void>;
  readonly #names: Map<string, Inode>;
  readonly #durableNames: Map<string, Inode>;
  /** Name changes since the last sync of the directory. */
  readonly #changes: NameChange[] = [];
  readonly #descriptors = new Map<number, Inode>();
  readonly #random: Random;
  #nextDescriptor = 3;
  /** Operations until the power goes off. */
  #lifetime = Number.POSITIVE_INFINITY;
  #dead = false;
  #die: () => void = () => {};
  operations = 0;

  constructor(random: Random, names: ReadonlyMap<string, Inode> = new Map()) {
    this.#random = random;
    this.#names = new Map(names);
    this.#durableNames = new Map(names);
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** The power goes off in the middle of an operation. */
  dieAfter(operations: number): void {
    this.#lifetime = operations;
  }

  /** After a power cut: what was synced, and of the rest what chance left. */
  afterPowerCut(): SimulatedDisk {
    const names = new Map(this.#durableNames);
    for (const { path, inode } of this.#changes) {
      if (this.#random.chance(0.5)) continue;
      if (inode === null) names.delete(path);
      else names.set(path, inode);
    }
    return new SimulatedDisk(this.#random, new Map([...names].map(fresh("durable"))));
  }

  /** After the end of the process only: all that was written is read, synced or not. */
  afterKill(): SimulatedDisk {
    const after = new SimulatedDisk(this.#random, this.#durableNames);
    after.#names.clear();
    for (const [path, inode] of this.#names) after.#names.set(path, inode);
    after.#changes.push(...this.#changes);
    return after;
  }

  /** An exact copy, as if all were synced. */
  copy(): SimulatedDisk {
    return new SimulatedDisk(this.#random, new Map([...this.#names].map(fresh("cached"))));
  }

  paths(): readonly string[] {
    return [...this.#names.keys()].toSorted();
  }

  content(path: string): Buffer {
    return this.#inode(path).cached;
  }

  replace(path: string, content: Buffer | null): void {
    if (content === null) this.#names.delete(path);
    else this.#names.set(path, { cached: Buffer.from(content), durable: Buffer.from(content) });
  }

  /** A write that reached the memory of the system and will never reach the disk (a failed sync). */
  cacheOnly(fd: number, buffers: readonly Uint8Array[], position: number): void {
    const inode = this.#open(fd);
    inode.cached = overwritten(inode.cached, Buffer.concat(buffers), position);
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw noSuchFile(path);
    return inode;
  }

  #open(fd: number): Inode {
    const inode = this.#descriptors.get(fd);
    if (inode === undefined) throw new Error(`EBADF: ${fd}`);
    return inode;
  }

  /** Runs an operation, or half of it when the power goes off now. */
  #operate<Result>(work: () => Result, half: () => void = () => {}): Promise<Result> {
    if (this.#dead) return new Promise(() => {});
    this.operations += 1;
    this.#lifetime -= 1;
    if (this.#lifetime < 0) {
      half();
      this.#dead = true;
      this.#die();
      return new Promise(() => {});
    }
    return Promise.resolve().then(work);
  }

  #change(path: string, inode: Inode | null): void {
    if (inode === null) this.#names.delete(path);
    else this.#names.set(path, inode);
    this.#changes.push({ path, inode });
  }

  write(
    fd: number,
    buffers: readonly Uint8Array[],
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    const bytes = Buffer.concat(buffers);
    const inode = this.#open(fd);
    const whole = () => {
      inode.cached = overwritten(inode.cached, bytes, position);
      inode.durable = overwritten(inode.durable, bytes, position);
      return bytes.length;
    };
    const half = () => {
      inode.cached = overwritten(inode.cached, bytes, position);
      for (let at = 0; at < bytes.length; at += sectorBytes) {
        if (this.#random.chance(0.5)) continue;
        const sector = bytes.subarray(at, at + sectorBytes);
        inode.durable = overwritten(inode.durable, sector, position + at);
      }
    };
    void this.#operate(whole, half).then((written) => done(null, written));
  }

  read(fd: number, into: Buffer, position: number): number {
    return this.#open(fd).cached.copy(into, 0, position);
  }

  create(path: string): Promise<number> {
    const make = () => {
      const inode = { cached: Buffer.alloc(0), durable: Buffer.alloc(0) };
      this.#change(path, inode);
      return this.#describe(inode);
    };
    return this.#operate(make, make);
  }

  #describe(inode: Inode): number {
    const fd = this.#nextDescriptor;
    this.#nextDescriptor += 1;
    this.#descriptors.set(fd, inode);
    return fd;
  }

  open(path: string): Promise<{ readonly fd: number; readonly size: number }> {
    return this.#operate(() => {
      const inode = this.#inode(path);
      return { fd: this.#describe(inode), size: inode.cached.length };
    });
  }

  truncate(fd: number, size: number): Promise<void> {
    return this.#operate(() => {
      const inode = this.#open(fd);
      inode.cached = Buffer.from(inode.cached.subarray(0, size));
    });
  }

  /** Only the size can be behind: written bytes were durable at once. */
  sync(fd: number): Promise<void> {
    return this.#operate(() => {
      const inode = this.#open(fd);
      if (inode.cached.length < inode.durable.length) {
        inode.durable = Buffer.from(inode.durable.subarray(0, inode.cached.length));
      }
    });
  }

  close(fd: number): Promise<void> {
    return this.#operate(() => {
      if (!this.#descriptors.delete(fd)) throw new Error(`EBADF: ${fd}`);
    });
  }

  /** Files that are open now. */
  get openFiles(): number {
    return this.#descriptors.size;
  }

  rename(from: string, to: string): Promise<void> {
    const move = () => {
      const inode = this.#inode(from);
      // One step for the disk: the new name in place of the old one, or nothing.
      this.#names.delete(from);
      this.#change(to, inode);
    };
    return this.#operate(move, move);
  }

  remove(path: string): Promise<void> {
    const drop = () => {
      this.#inode(path);
      this.#change(path, null);
    };
    return this.#operate(drop, drop);
  }

  syncDirectory(): Promise<void> {
    return this.#operate(() => {
      this.#durableNames.clear();
      for (const [path, inode] of this.#names) this.#durableNames.set(path, inode);
      this.#changes.length = 0;
    });
  }

  makeDirectory(): Promise<void> {
    return this.#operate(() => {});
  }

  list(path: string): Promise<readonly string[]> {
    return this.#operate(() =>
      this.paths()
        .filter((each) => each.startsWith(`${path}/`))
        .map((each) => each.slice(path.length + 1)),
    );
  }

  readWhole(path: string): Promise<Buffer | null> {
    return this.#operate(() => this.#names.get(path)?.cached ?? null);
  }
}
