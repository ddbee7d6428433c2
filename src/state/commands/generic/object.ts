// OBJECT subcommand ...

import { subcommandsOf } from "../containers.ts";
import type { ContainerCommand } from "../spec.ts";
import { objectEncoding } from "./object-encoding.ts";
import { objectFreq } from "./object-freq.ts";
import { objectHelp } from "./object-help.ts";
import { objectIdletime } from "./object-idletime.ts";
import { objectRefcount } from "./object-refcount.ts";

export const object: ContainerCommand = {
  kind: "container",
  name: "object",
  summary: "How values are kept.",
  since: "2.2.3",
  group: "generic",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: subcommandsOf(
    objectEncoding,
    objectFreq,
    objectHelp,
    objectIdletime,
    objectRefcount,
  ),
};
