// Finds out whether a process survives the reading of a checkpoint, with a child process that may die of it.

import { fork } from "node:child_process";

/** Resolves to the signal by which a process ends itself when it reads the checkpoint; null for none. */
export type Probe = (directory: string) => Promise<NodeJS.Signals | null>;

/** Signals by which a process ends itself: one that was killed (out of memory, an operator) says nothing of the data. */
const ownSignals: ReadonlySet<NodeJS.Signals | null> = new Set([
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGSEGV",
  "SIGTRAP",
]);

/** Compiled: Node 20 runs no TypeScript. Tests run this file as it is, and find the program in `dist`. */
const program = new URL(
  import.meta.url.endsWith(".ts")
    ? "../../../dist/node/snapshots/probe-process.js"
    : "./probe-process.js",
  import.meta.url,
);

/**
 * The checkpoint is closed. An error of the child, even that it could not be started, counts as survival: the node
 * then reads the checkpoint itself and gets that error in words.
 */
export const probeCheckpoint: Probe = (directory) => {
  // The channel tells the child when this process has ended.
  const child = fork(program, [directory], {
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", (_code, signal) => resolve(ownSignals.has(signal) ? signal : null));
  });
};
