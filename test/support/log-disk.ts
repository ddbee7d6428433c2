// A disk in memory that loses power and lies on command: what was not synced may be lost, in pieces.

import { dirname } from "node:path";
import type { Files } from "../../src/disk.ts";
import { FileContent } from "./file-content.ts";
import type { Random } from "./log-random.ts";

const sectorBytes = 512;

/** The two sides are one as long as they are equal: most files stay so for life. */
interface Inode {
  /** What the running system reads. */
  cached: FileContent;
  /** What a power cut leaves. */
  durable: FileContent;
}

const fileOf = (content: FileContent): Inode => ({ cached: content, durable: content });

/** Before the two sides become different. */
function part(inode: Inode): void {
  if (inode.cached === inode.durable) inode.durable = inode.cached.copy();
}

function writeBoth({ cached, durable }: Inode, bytes: Buffer, at: number): void {
  cached.write(bytes, at);
  if (durable !== cached) durable.write(bytes, at);
}

type NameChange = { readonly path: string; readonly inode: Inode | null };

/** Files whose two sides are equal, and shared with nobody. */
const fresh =
  (side: "cached" | "durable") =>
  ([path, inode]: readonly [string, Inode]): [string, Inode] => [path, fileOf(inode[side].copy())];

const noSuchFile = (path: string): Error =>
  Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });

function attempt<Result>(work: () => Result, done: Outcome<Result>): void {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done(null, result);
}

/** Takes effect when `complete` is called: at once would be wrong, never is a disk that hangs. */
export type Schedule = (complete: () => void, bytes: number) => void;

const soon: Schedule = (complete) => void Promise.resolve().then(complete);

type Outcome<Result> = (error: Error | null, result?: Result) => void;

export class SimulatedDisk implements Files {
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
  /** What the power cut leaves of each operation that is under way. */
  readonly #halves = new Set<() => void>();
  readonly #schedule: Schedule;
  #failure: Error | null = null;
  operations = 0;

  constructor(
    random: Random,
    names: ReadonlyMap<string, Inode> = new Map(),
    schedule: Schedule = soon,
  ) {
    this.#random = random;
    this.#schedule = schedule;
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

  /** The power goes off now: of the operations that are under way some leave something behind. */
  powerOff(): void {
    for (const half of this.#halves) if (this.#random.chance(0.5)) half();
    this.#halves.clear();
    this.#dead = true;
    this.#die();
  }

  /** The next operation reports this error, and half of it may have happened. Null: it does not, after all. */
  failNext(error: Error | null): void {
    this.#failure = error;
  }

  /** After a power cut: what was synced, and of the rest what chance left. */
  afterPowerCut(): SimulatedDisk {
    const names = new Map(this.#durableNames);
    for (const { path, inode } of this.#changes) {
      if (this.#random.chance(0.5)) continue;
      if (inode === null) names.delete(path);
      else names.set(path, inode);
    }
    const left = new Map([...names].map(fresh("durable")));
    return new SimulatedDisk(this.#random, left, this.#schedule);
  }

  /** After the end of the process only: all that was written is read, synced or not. */
  afterKill(): SimulatedDisk {
    const after = new SimulatedDisk(this.#random, this.#durableNames, this.#schedule);
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
    return this.#inode(path).cached.live();
  }

  replace(path: string, content: Buffer | null): void {
    if (content === null) this.#names.delete(path);
    else this.#names.set(path, fileOf(new FileContent(content)));
  }

  /** What reads as this byte is another one from now on, after a power cut too. */
  flip(path: string, at: number, bits: number): void {
    const inode = this.#inode(path);
    for (const content of new Set([inode.cached, inode.durable])) {
      const byte = Buffer.alloc(1);
      if (content.read(byte, at) === 0) continue;
      byte.writeUInt8(byte.readUInt8() ^ bits);
      content.write(byte, at);
    }
  }

  /** A write that reached the memory of the system and will never reach the disk (a failed sync). */
  cacheOnly(fd: number, buffers: readonly Uint8Array[], position: number): void {
    const inode = this.#open(fd);
    part(inode);
    inode.cached.write(Buffer.concat(buffers), position);
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
    return new Promise((resolve, reject) => {
      this.#perform({ work, half, bytes: 0 }, (error, result) => {
        if (error === null) resolve(result as Result);
        else reject(error);
      });
    });
  }

  #perform<Result>(
    { work, half, bytes }: { work: () => Result; half: () => void; bytes: number },
    done: Outcome<Result>,
  ): void {
    if (this.#dead) return;
    this.operations += 1;
    this.#lifetime -= 1;
    if (this.#lifetime < 0) {
      half();
      this.#dead = true;
      this.#die();
      return;
    }
    const failure = this.#failure;
    this.#failure = null;
    this.#halves.add(half);
    this.#schedule(() => {
      if (this.#dead) return;
      this.#halves.delete(half);
      if (failure === null) attempt(work, done);
      else {
        if (this.#random.chance(0.5)) half();
        done(failure);
      }
    }, bytes);
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
      writeBoth(inode, bytes, position);
      return bytes.length;
    };
    const half = () => {
      part(inode);
      inode.cached.write(bytes, position);
      for (let at = 0; at < bytes.length; ) {
        const end = at + sectorBytes - ((position + at) % sectorBytes);
        if (this.#random.chance(0.5)) {
          inode.durable.write(bytes.subarray(at, end), position + at);
        }
        at = end;
      }
    };
    this.#perform({ work: whole, half, bytes: bytes.length }, (error, written = 0) =>
      done(error, written),
    );
  }

  read(fd: number, into: Buffer, position: number): number {
    return this.#open(fd).cached.read(into, position);
  }

  create(path: string): Promise<number> {
    const make = () => {
      const inode = fileOf(new FileContent());
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
      return { fd: this.#describe(inode), size: inode.cached.size };
    });
  }

  truncate(fd: number, size: number): Promise<void> {
    return this.#operate(() => {
      const inode = this.#open(fd);
      part(inode);
      inode.cached.truncate(size);
    });
  }

  /** Only the size can be behind: written bytes were durable at once. */
  sync(fd: number): Promise<void> {
    return this.#operate(() => {
      const inode = this.#open(fd);
      if (inode.cached.size < inode.durable.size) {
        inode.durable.truncate(inode.cached.size);
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
      if (this.#names.has(path)) this.#change(path, null);
    };
    return this.#operate(drop, drop);
  }

  syncDirectory(directory: string): Promise<void> {
    const isInside = ([path]: readonly [string, Inode]) => dirname(path) === directory;
    return this.#operate(() => {
      for (const [path] of [...this.#durableNames].filter(isInside))
        this.#durableNames.delete(path);
      for (const [path, inode] of [...this.#names].filter(isInside)) {
        this.#durableNames.set(path, inode);
      }
      const others = this.#changes.filter(({ path }) => dirname(path) !== directory);
      this.#changes.splice(0, this.#changes.length, ...others);
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
    return this.#operate(() => this.#names.get(path)?.cached.whole() ?? null);
  }
}
