// Faults at chosen system calls of a running, unmodified process: strace attaches and injects.

import { spawn } from "node:child_process";
import { undoAtExit } from "./cleanup.ts";

/** The log is a file opened with O_DSYNC: one positioned write is one durable batch. */
const logWrites = "pwrite64,pwritev";

/** Resolves when strace is attached; what it gives back detaches it, and the process goes on unharmed. */
export async function injectAtLogWrites(pid: number, fault: string): Promise<() => Promise<void>> {
  const child = spawn(
    "strace",
    [
      ...["-f", "-o", "/dev/null", "-p", String(pid)],
      ...["-e", `trace=${logWrites}`, "-e", `inject=${logWrites}:${fault}`],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  // SIGTERM lets strace detach; SIGKILL would do as well, but leaves stopped threads for a moment.
  const undo = undoAtExit(() => child.kill("SIGTERM"));
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("attached")) resolve();
    });
    void ended.then(() => reject(new Error(`strace: ${said.trim()}`)));
  });
  return async () => {
    undo();
    await ended;
  };
}
