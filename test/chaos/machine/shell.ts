// Programs of the operating system: run, with what they complained about as the error.

import { execFile, spawnSync } from "node:child_process";

/** Resolves with standard output; rejects with standard error when the program is missing or fails. */
export function run(program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(" ")}: ${stderr.trim() || error.message}`));
    });
  });
}

/** For cleaning up on the way out, where nobody waits and nobody listens. */
export function runToTheEnd(program: string, ...args: readonly string[]): void {
  spawnSync(program, args, { stdio: "ignore" });
}

/** Why a program does not do what it is tried with, or null. Given input goes to its standard input. */
export function complaint(program: string, args: readonly string[], input = ""): string | null {
  const { error, status, stderr } = spawnSync(program, args, { input, encoding: "utf8" });
  if (error !== undefined) return isMissing(error) ? `${program} is not installed` : error.message;
  return status === 0
    ? null
    : `${program}: ${stderr.trim().split("\n").at(-1) ?? `code ${status}`}`;
}

function isMissing(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
