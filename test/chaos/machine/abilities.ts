// What a fault needs of this machine, tried once; and what is missing, in words.

import { spawn } from "node:child_process";
import { limitCpu } from "./cpu-limit.ts";
import { faketimeLibrary } from "./fake-clock.ts";
import { shutdownScript } from "./loop-disk.ts";
import { complaint } from "./shell.ts";

export type Ability =
  | "namespaces"
  | "shaping"
  | "tracing"
  | "disks"
  | "freezing"
  | "proxies"
  | "clocks"
  | "cpu";

/** Each tries the real thing in small, because a program alone proves no right to use it. */
const trials: Readonly<Record<Ability, () => string | null>> = {
  namespaces: () =>
    missingOf(["ip", "nsenter"]) ?? sh(inNewNetwork("ip rule add from 1.1.1.1 blackhole")),
  shaping: () =>
    missingOf(["ip", "nsenter", "tc"]) ??
    sh(inNewNetwork("tc qdisc add dev lo root tbf rate 1mbit burst 4kb latency 50ms")),
  tracing: () => complaint("strace", ["-V"]) ?? tryTracing(),
  disks: () =>
    missingOf(["mount", "mkfs.ext4", "fallocate"]) ??
    sh(onNewDisk(`perl -e '${shutdownScript}' "$d/m"`)),
  freezing: () =>
    missingOf(["mount", "mkfs.ext4", "fsfreeze"]) ??
    sh(onNewDisk(`fsfreeze --freeze "$d/m"; fsfreeze --unfreeze "$d/m"`)),
  // Sockets of this process on the loopback device, which every machine has.
  proxies: () => null,
  clocks: () => (faketimeLibrary() === null ? "libfaketime is not installed" : null),
  cpu: tryLimit,
};

const known = new Map<Ability, string | null>();

/** Why this machine cannot do it, or null when it can. */
export function lack(ability: Ability): string | null {
  let reason = known.get(ability);
  if (reason === undefined) {
    reason = trials[ability]();
    known.set(ability, reason);
  }
  return reason;
}

/** The first reason why not all of these can be done, or null. */
export function lackOf(abilities: readonly Ability[]): string | null {
  for (const ability of abilities) {
    const reason = lack(ability);
    if (reason !== null) return `${ability}: ${reason}`;
  }
  return null;
}

/** A tool that can be installed, unlike a right that this machine does not grant. */
export function isMissingTool(reason: string): boolean {
  return reason.endsWith("is not installed");
}

function missingOf(programs: readonly string[]): string | null {
  return programs.map((each) => complaint(each, ["-V"])).find((reason) => reason !== null) ?? null;
}

function sh(script: string): string | null {
  return complaint("sh", ["-e"], script);
}

/** A namespace that "ip netns" makes and names, as the faults use it. */
function inNewNetwork(command: string): string {
  const name = `kvctry${process.pid}`;
  return `ip netns add ${name}; trap 'ip netns del ${name}' EXIT; nsenter --net=/var/run/netns/${name} ${command}`;
}

function onNewDisk(command: string): string {
  return `
    d=$(mktemp -d); trap 'umount "$d/m" 2>/dev/null || true; rm -rf "$d"' EXIT
    mkdir "$d/m"; truncate -s 4M "$d/i"; mkfs.ext4 -q -F "$d/i"; mount -o loop "$d/i" "$d/m"
    ${command}`;
}

/** Attaching to a process that is no child of strace may need a right of its own. */
function tryTracing(): string | null {
  return sh(
    "sleep 5 & timeout 1 strace -o /dev/null -p $! 2>&1 | grep -q attached || { kill $!; echo 'may not attach' >&2; exit 1; }; kill $!",
  );
}

function tryLimit(): string | null {
  const child = spawn("sleep", ["5"], { stdio: "ignore" });
  try {
    limitCpu(child.pid ?? 0, 0.5)();
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    child.kill("SIGKILL");
  }
}
