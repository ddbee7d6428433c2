// LOLWUT [VERSION version] [columns] [rows]

import { errors } from "../../../resp/errors.ts";
import { type Bytes, VerbatimReply } from "../../../resp/reply.ts";
import { parseSafeInteger } from "../../parse/integers.ts";
import type { SessionCommand } from "../spec.ts";
import { drawMajority } from "./majority-picture.ts";

export const lolwut: SessionCommand = {
  kind: "session",
  name: "lolwut",
  summary: "Draws a picture and tells the version.",
  since: "5.0.0",
  group: "server",
  arity: -1,
  flags: ["readonly", "fast"],
  arguments: [{ name: "version", type: "integer", token: "VERSION", flags: ["optional"] }],
  run({ server }, args) {
    const versioned = args.length > 2 && args[1]?.toLowerCase() === "version";
    const version = versioned ? parseSafeInteger(args[2] ?? "") : 0;
    if (version === undefined) return errors.notAnInteger;
    const [columns, rows] = args.slice(versioned ? 3 : 1);
    const picture = drawMajority({
      seed: version,
      columns: size(columns, 66, 160),
      rows: size(rows, 12, 60),
    });
    const caption = "Every cell votes with its neighbours. The majority has decided.";
    return new VerbatimReply(`${picture}\n${caption} Redis ver. ${server.version}\n`);
  },
};

/** What cannot be a size is taken for the usual one: this is no place for errors. */
function size(text: Bytes | undefined, usual: number, most: number): number {
  const value = text === undefined ? undefined : parseSafeInteger(text);
  return value === undefined || value < 1 ? usual : Math.min(value, most);
}
