// A share of one processor for a process, by a control group of its own (version 2 or 1).

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { undoAtExit } from "./cleanup.ts";

const periodMicroseconds = 100_000;

interface Controller {
  readonly root: string;
  /** Writes the microseconds of each period into a group. */
  limit(group: string, microseconds: number): void;
}

function controller(): Controller | null {
  const two = "/sys/fs/cgroup";
  const controllers = join(two, "cgroup.controllers");
  if (existsSync(controllers) && readFileSync(controllers, "utf8").split(/\s/).includes("cpu")) {
    return {
      root: two,
      limit: (group, share) =>
        writeFileSync(join(group, "cpu.max"), `${share} ${periodMicroseconds}`),
    };
  }
  const one = "/sys/fs/cgroup/cpu";
  if (!existsSync(join(one, "cpu.cfs_quota_us"))) return null;
  return {
    root: one,
    limit: (group, share) => {
      writeFileSync(join(group, "cpu.cfs_period_us"), String(periodMicroseconds));
      writeFileSync(join(group, "cpu.cfs_quota_us"), String(share));
    },
  };
}

/** Holds the process to a share (0 to 1) of one processor. Returns what lifts the limit. */
export function limitCpu(pid: number, share: number): () => void {
  const found = controller();
  if (found === null) throw new Error("no control group limits processors here");
  const group = join(found.root, `kvorum-chaos-${randomBytes(4).toString("hex")}`);
  mkdirSync(group);
  const undo = undoAtExit(() => {
    // A group goes only when it is empty; a process that has ended is in none.
    if (existsSync(`/proc/${pid}`)) enter(found.root, pid);
    rmdirSync(group);
  });
  try {
    found.limit(group, Math.round(share * periodMicroseconds));
    enter(group, pid);
    return undo;
  } catch (error) {
    undo();
    throw error;
  }
}

function enter(group: string, pid: number): void {
  writeFileSync(join(group, "cgroup.procs"), String(pid));
}
