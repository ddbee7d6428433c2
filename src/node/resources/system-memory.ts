// What Linux says of the memory of this process, its control groups and the machine.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MemorySpace } from "./memory-room.ts";

const KiB = 1024;

/** Reads a small file of the system; null when it is not there. Tests put another one in its place. */
export type ReadText = (path: string) => Promise<string | null>;

const readSystemFile: ReadText = (path) =>
  readFile(path, "utf8").then(
    (text) => text,
    () => null, // Not this system, or not for this user.
  );

/** Null when the system is none that tells, such as macOS. */
export async function measureMemory(
  read: ReadText = readSystemFile,
  resident: () => number = () => process.memoryUsage.rss(),
): Promise<MemorySpace | null> {
  const machine = await read("/proc/meminfo");
  const total = lineOf(machine, "MemTotal");
  const available = lineOf(machine, "MemAvailable");
  if (total === null || available === null) return null;
  const limit = Math.min(total, await groupLimit(read));
  return { resident: resident(), limit, available, total };
}

function lineOf(meminfo: string | null, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo ?? "");
  return found === null ? null : Number(found[1]) * KiB;
}

/** The least limit of the groups that this process is in: version 2 and version 1 may both be there. */
async function groupLimit(read: ReadText): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (const line of ((await read("/proc/self/cgroup")) ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const place = placeOf(controllers);
    if (place === null) continue;
    for (const group of withParents(path)) {
      const text = await read(join(place.root, group, place.file));
      const bytes = Number(text?.trim() || Number.NaN); // "max" is no number.
      if (bytes > 0) least = Math.min(least, bytes);
    }
  }
  return least;
}

function placeOf(controllers: string): { readonly root: string; readonly file: string } | null {
  if (controllers === "") return { root: "/sys/fs/cgroup", file: "memory.max" };
  if (!controllers.split(",").includes("memory")) return null;
  return { root: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" };
}

/** "/a/b" is within "/a" and "/": inside of a container only some of them can be seen. */
function withParents(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`).concat("/");
}
