// Commands that only the nodes themselves put into the log: no client can name them.

import type { Bytes, Reply } from "../../resp/reply.ts";
import type { WriteCommand } from "../commands/spec.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Arguments } from "../parse/arguments.ts";
import type { Settings } from "./settings.ts";

/** What the machine needs of a command. */
export type Executable = Pick<WriteCommand, "apply" | "flags" | "touches">;

/** Removes exactly these keys, as far as they are still there. */
export const evictName = "kvorum.evict";
/** Changes replicated settings: the words are those of `settings.ts`. */
export const settingsName = "kvorum.settings";

export function systemCommands(
  keyspace: Keyspace,
  settings: Settings,
): ReadonlyMap<Bytes, Executable> {
  const evict = (database: Pick<Database, "index">, [, ...keys]: Arguments): Reply => {
    let evicted = 0;
    for (const key of keys) if (keyspace.evict(database.index, key)) evicted++;
    return evicted;
  };
  return new Map<Bytes, Executable>([
    [evictName, { flags: [], touches: false, apply: evict }],
    [
      settingsName,
      { flags: [], touches: false, apply: (_, [, ...words]) => settings.apply(words) },
    ],
  ]);
}

/** A request as a client would send it. */
export function systemRequest(words: Arguments): Buffer {
  const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`, "latin1");
}
