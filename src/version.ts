// The version of this program, from its package.

import { readFileSync } from "node:fs";

interface Manifest {
  readonly version: string;
}

/** `package.json` lies beside `src` and beside `dist`. */
const manifest = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as Manifest;

export const kvorumVersion = manifest.version;
