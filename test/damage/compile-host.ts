// Compiles the process of the trials with the sources that it imports: Node 20 runs no TypeScript.

import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../support/process-server.ts";

/** Inside of the checkout, where packages are found. */
const place = join(root, "scripts", "dist");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

export interface CompiledHost {
  /** To be forked. */
  readonly path: string;
  remove(): Promise<void>;
}

export async function compileHost(): Promise<CompiledHost> {
  await mkdir(place, { recursive: true });
  const directory = await mkdtemp(join(place, "damage-"));
  const project = join(root, "test", "damage", "tsconfig.json");
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await promisify(execFile)(process.execPath, [compiler, "-p", project, "--outDir", directory]);
    // The version of the program is read from beside its folder.
    await copyFile(join(root, "package.json"), join(directory, "package.json"));
  } catch (error) {
    await remove();
    throw error;
  }
  return { path: join(directory, "test", "damage", "host.js"), remove };
}
