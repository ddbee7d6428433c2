// The HELP subcommands: what a container prints about itself.

import { type Reply, SimpleString } from "../../resp/reply.ts";

/** Redis' frame around the lines of one container; `lines` holds its subcommands without HELP. */
export function helpReply(command: string, lines: readonly string[]): Reply {
  const text = [
    `${command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    "HELP",
    "    Prints this help.",
  ];
  return text.map((line) => new SimpleString(line));
}
