// The one option of FLUSHALL and FLUSHDB.

import type { Arguments } from "../../parse/arguments.ts";

/** Both modes do the same here: forgetting a database takes constant time, its memory goes later. */
export function isFlushMode(args: Arguments): boolean {
  if (args.length === 1) return true;
  const mode = args[1]?.toLowerCase();
  return args.length === 2 && (mode === "async" || mode === "sync");
}
