// The data directory: one process at a time, and the identity of the node that lives in it.

import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";
import { diskFiles, ensureDirectory, replaceFile, temporaryOf } from "../../disk.ts";
import { asNode, type NodeId } from "../../raft/core/types.ts";
import { codeOf, describeError } from "../../system-error.ts";
import { type CheckedFile, decodeChecked, encodeChecked, isCount } from "./checked-file.ts";
import { type DirectoryLock, LockedError, lockDirectory, lockName } from "./directory-lock.ts";
import { DiskReserve } from "./disk-reserve.ts";
import type { DiskSpace } from "./disk-space.ts";

/** Who the node is. Made once; only `incarnation` and `hasLog` change. */
export interface Identity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Counts the starts from 1: on disk, one higher, before anything of this start uses it. */
  readonly incarnation: number;
  /** True once the log has taken its first save: a log without any then means that it was lost, and no vote. */
  readonly hasLog: boolean;
}

/** A directory that cannot be used, as one line that says what to do. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

/** Of a cluster or a directory: 128 random bits in hex. */
const namePattern = /^[0-9a-f]{32}$/;

const identityFile: CheckedFile<Identity> = {
  name: "identity.json",
  format: 1,
  parse({ clusterId, nodeId, incarnation, hasLog }) {
    const isSound =
      typeof clusterId === "string" &&
      namePattern.test(clusterId) &&
      isCount(nodeId) &&
      isCount(incarnation) &&
      typeof hasLog === "boolean";
    return isSound ? { clusterId, nodeId: asNode(nodeId), incarnation, hasLog } : null;
  },
};

/** This file exists from before the first request to join until the directory belongs to a node. */
const joiningFile: CheckedFile<{ readonly directory: string }> = {
  name: "joining.json",
  format: 1,
  parse({ directory }) {
    return typeof directory === "string" && namePattern.test(directory) ? { directory } : null;
  },
};

/** Types of file systems as statfs(2) names them. */
const inMemory = new Map([
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
]);
const overNetwork = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
]);

/** 32 bits that the log of a node is marked with: that of another node is refused. */
export function logOwner({ clusterId, nodeId }: Pick<Identity, "clusterId" | "nodeId">): number {
  return crc32(`${clusterId}/${nodeId}`);
}

/** 128 random bits in hex. */
export function newClusterId(): string {
  return randomBytes(16).toString("hex");
}

export class DataDirectory {
  readonly path: string;
  /** Warnings for the operator, one line each. */
  readonly warnings: readonly string[];
  readonly reserve: DiskReserve;
  readonly #lock: DirectoryLock;
  #identity: Identity | null;
  #logBegun: Promise<void> | null = null;

  /** Use `DataDirectory.open`. */
  constructor(
    lock: DirectoryLock,
    found: Pick<DataDirectory, "path" | "warnings" | "identity" | "reserve">,
  ) {
    this.#lock = lock;
    this.path = found.path;
    this.warnings = found.warnings;
    this.reserve = found.reserve;
    this.#identity = found.identity;
  }

  /**
   * Creates the directory if need be (0700), takes its lock, reads the identity and counts this start
   * in it. Rejects with DataDirectoryError; then nothing was changed.
   */
  static async open(path: string): Promise<DataDirectory> {
    try {
      await ensureDirectory(diskFiles, resolve(path));
      const lock = await lockDirectory(path);
      try {
        const reserve = await DiskReserve.open(diskFiles, path, () => spaceOf(path));
        const before = await readIdentity(path);
        const identity = before && { ...before, incarnation: before.incarnation + 1 };
        if (identity !== null) {
          await writeIdentity(path, identity);
          await forgetJoining(path);
        }
        return new DataDirectory(lock, {
          path,
          identity,
          reserve,
          warnings: await warningsFor(path),
        });
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw directoryError(path, error);
    }
  }

  /** Null: the directory is empty, and `settle` has to say who lives here. */
  get identity(): Identity | null {
    return this.#identity;
  }

  /**
   * The random name under which this directory asks to join, on disk before it is told to anybody: the
   * same after a crash, and another in every other directory, also in this one once it was emptied.
   */
  async joiningAs(): Promise<string> {
    assert(this.#identity === null, "a directory with a node has joined");
    try {
      const known = await readJoining(this.path);
      if (known !== null) return known;
      const directory = randomBytes(16).toString("hex");
      const content = encodeChecked(joiningFile, { directory });
      await replaceFile(diskFiles, join(this.path, joiningFile.name), content);
      return directory;
    } catch (error) {
      throw directoryError(this.path, error);
    }
  }

  /** Gives an empty directory its node, durably; incarnation 1. */
  async settle(clusterId: string, nodeId: NodeId): Promise<Identity> {
    assert(this.#identity === null, "a directory is given to one node only");
    assert(namePattern.test(clusterId), "a cluster id has 128 bits");
    const identity: Identity = { clusterId, nodeId, incarnation: 1, hasLog: false };
    try {
      await writeIdentity(this.path, identity);
      await forgetJoining(this.path);
    } catch (error) {
      throw directoryError(this.path, error);
    }
    this.#identity = identity;
    return identity;
  }

  /** The log has its first entry on disk. Written once, however often this is called meanwhile. */
  logBegun(): Promise<void> {
    this.#logBegun ??= this.#recordLog();
    return this.#logBegun;
  }

  async #recordLog(): Promise<void> {
    assert(this.#identity !== null, "a log belongs to a node");
    if (this.#identity.hasLog) return;
    const identity = { ...this.#identity, hasLog: true };
    try {
      await writeIdentity(this.path, identity);
    } catch (error) {
      throw directoryError(this.path, error);
    }
    this.#identity = identity;
  }

  /**
   * If log or checkpoint know an incarnation as high as the present one, identity.json is an older copy. Then this
   * start gets a higher incarnation, because under the old one its writes would be taken for writes that were applied
   * then.
   */
  async outlive(incarnation: number): Promise<Identity> {
    assert(this.#identity !== null, "a life belongs to a node");
    if (incarnation < this.#identity.incarnation) return this.#identity;
    const identity = { ...this.#identity, incarnation: incarnation + 1 };
    try {
      await writeIdentity(this.path, identity);
    } catch (error) {
      throw directoryError(this.path, error);
    }
    this.#identity = identity;
    return identity;
  }

  /** Of the file system that the directory is on. */
  space(): Promise<DiskSpace> {
    return spaceOf(this.path);
  }

  /** Lets another process have the directory. */
  async close(): Promise<void> {
    await this.reserve.close();
    await this.#lock.release();
  }
}

async function spaceOf(path: string): Promise<DiskSpace> {
  const { bsize, blocks, bavail } = await statfs(path);
  return { total: bsize * blocks, free: bsize * bavail };
}

/** Null when the directory is empty; anything else without an identity is refused. */
async function readIdentity(path: string): Promise<Identity | null> {
  const names = await readdir(path);
  if (!names.includes(identityFile.name)) {
    const data = names.filter((name) => !isHarmless(name));
    if (data.length === 0) return null;
    throw new DataDirectoryError(
      `holds ${data.slice(0, 3).join(", ")} but no ${identityFile.name}: ` +
        "bring that file back, or give an empty directory",
    );
  }
  const text = await readFile(join(path, identityFile.name), "utf8");
  const identity = decodeChecked(identityFile, text);
  if (typeof identity === "string") throw new DataDirectoryError(identity);
  return identity;
}

function isHarmless(name: string): boolean {
  return (
    lockName.test(name) ||
    name === temporaryOf(identityFile.name) ||
    name === joiningFile.name ||
    name === temporaryOf(joiningFile.name) ||
    name === "lost+found" ||
    name.endsWith(".conf")
  );
}

async function writeIdentity(path: string, identity: Identity): Promise<void> {
  const { clusterId, nodeId, incarnation, hasLog } = identity;
  const content = encodeChecked(identityFile, { clusterId, nodeId, incarnation, hasLog });
  await replaceFile(diskFiles, join(path, identityFile.name), content);
}

/** Null when the directory has not asked to join. */
async function readJoining(path: string): Promise<string | null> {
  let text: string;
  try {
    text = await readFile(join(path, joiningFile.name), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  const content = decodeChecked(joiningFile, text);
  if (typeof content === "string") throw new DataDirectoryError(content);
  return content.directory;
}

/**
 * Removes joining.json: if an operator deletes the node's other files later, this must not look like the directory
 * that the cluster has admitted.
 */
async function forgetJoining(path: string): Promise<void> {
  await diskFiles.remove(join(path, joiningFile.name));
  await diskFiles.syncDirectory(path);
}

async function warningsFor(path: string): Promise<readonly string[]> {
  const warnings: string[] = [];
  const { type } = await statfs(path);
  const memory = inMemory.get(type >>> 0);
  if (memory !== undefined) {
    warnings.push(
      `${path} is in memory (${memory}): what is written there does not survive a crash`,
    );
  }
  const network = overNetwork.get(type >>> 0);
  if (network !== undefined) {
    warnings.push(`${path} is on a network file system (${network}): only this machine may use it`);
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    warnings.push(`${path} can be entered by other users of this machine: chmod 700 is advised`);
  }
  return warnings;
}

/** One line for whatever went wrong in a data directory. Throws what is no error of files: a bug. */
export function directoryError(path: string, error: unknown): DataDirectoryError {
  if (error instanceof DataDirectoryError) {
    return new DataDirectoryError(`data directory ${path}: ${error.message}`);
  }
  if (error instanceof LockedError) {
    return new DataDirectoryError(
      `data directory ${path} is in use by process ${error.pid}: ` +
        "stop that one first, or give another --dir",
    );
  }
  if (codeOf(error) === null) throw error;
  return new DataDirectoryError(
    `data directory ${path} cannot be used: ${describeError(error)}. ` +
      "It has to be a directory that this user may read and write",
  );
}
