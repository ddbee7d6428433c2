// One process per data directory: a listening socket in it, which dies with its process.

import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, open, readdir, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../../system-error.ts";

/*
 * Why a socket: Node has no flock(2), and a file with a process id lies after a crash, after a reboot,
 * and between containers, whose process ids mean nothing to each other. A UNIX socket in the directory
 * is found through the file system, by every process of this machine whatever its namespaces, and the
 * kernel refuses connections to it as soon as its process is gone, even by SIGKILL. It does not reach
 * across machines: a directory on a network file system must not be used by two of them.
 *
 * Taking it is "announce, then look": each process listens on a name of its own and only then connects
 * to the others' sockets. Of two that start together at least one sees the other.
 */

export interface DirectoryLock {
  release(): Promise<void>;
}

/** The process that has it. */
export class LockedError extends Error {
  override readonly name = "LockedError";
  readonly pid: number;
  constructor(pid: number) {
    super(`in use by process ${pid}`);
    this.pid = pid;
  }
}

/** Names of the sockets, so that others can tell them from data. */
export const lockName = /^lock\.(\d+)\.[0-9a-f]{8}$/;

/** The longest path of a UNIX socket, in bytes (sun_path, the final NUL left out). */
const socketPathMax = 103;
const answerMs = 300;
const attemptsMax = 20;

/** Rejects with LockedError, or with the system's error when the directory takes no socket. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  for (let attempt = 1; ; attempt += 1) {
    const lock = new SocketLock(directory);
    const rival = await lock.announceAndLook();
    if (rival === null) return lock;
    await lock.release();
    if (rival.holds || attempt === attemptsMax) throw new LockedError(rival.pid);
    // Both have only just started and saw each other: one will be first next time.
    await delay(10 + Math.random() * 40);
  }
}

interface Rival {
  readonly pid: number;
  /** False: it is itself still looking. */
  readonly holds: boolean;
}

class SocketLock implements DirectoryLock {
  readonly #directory: string;
  readonly #name = `lock.${process.pid}.${randomBytes(4).toString("hex")}`;
  readonly #server: Server;
  #handle: FileHandle | null = null;
  #holds = false;

  constructor(directory: string) {
    this.#directory = directory;
    this.#server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.end(this.#holds ? "holds" : "looks");
    });
    this.#server.unref();
  }

  /** Null: it is ours. */
  async announceAndLook(): Promise<Rival | null> {
    await this.#listen();
    const others = (await readdir(this.#directory)).filter(
      (name) => lockName.test(name) && name !== this.#name,
    );
    const dead: string[] = [];
    for (const name of others) {
      const rival = await this.#ask(name);
      if (rival !== null) return rival;
      dead.push(name);
    }
    // A process that took us for dead, before we listened, has removed our name.
    if (!(await this.#stands())) return { pid: process.pid, holds: false };
    this.#holds = true;
    for (const name of dead) await rm(join(this.#directory, name), { force: true });
    return null;
  }

  async release(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await rm(join(this.#directory, this.#name), { force: true });
    await this.#handle?.close();
    this.#handle = null;
  }

  async #listen(): Promise<void> {
    const path = await this.#pathOf(this.#name);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ path, exclusive: true }, () => {
        this.#server.removeListener("error", reject);
        resolve();
      });
    });
  }

  /** A socket's path is short by nature: a long one goes through a descriptor of the directory. */
  async #pathOf(name: string): Promise<string> {
    const path = join(this.#directory, name);
    if (Buffer.byteLength(path) <= socketPathMax || process.platform !== "linux") return path;
    this.#handle ??= await open(this.#directory, "r");
    return `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  async #stands(): Promise<boolean> {
    try {
      return (await lstat(join(this.#directory, this.#name))).isSocket();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    }
  }

  /** Null: nobody listens there any more. A process that is stopped is alive, and says nothing. */
  async #ask(name: string): Promise<Rival | null> {
    const pid = Number(lockName.exec(name)?.[1]);
    const path = await this.#pathOf(name);
    return new Promise((resolve) => {
      let said = "";
      const socket = connect({ path });
      const silence = setTimeout(() => socket.destroy(), answerMs);
      socket.on("data", (chunk) => {
        said += chunk.toString("latin1");
      });
      socket.on("error", (error) => {
        clearTimeout(silence);
        const gone = codeOf(error) === "ECONNREFUSED" || codeOf(error) === "ENOENT";
        resolve(gone ? null : { pid, holds: true });
      });
      socket.on("close", () => {
        clearTimeout(silence);
        resolve({ pid, holds: said !== "looks" });
      });
    });
  }
}
