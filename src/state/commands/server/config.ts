// CONFIG: the options of this node

import { subcommandsOf } from "../containers.ts";
import type { ContainerCommand } from "../spec.ts";
import { configGet } from "./config-get.ts";
import { configHelp } from "./config-help.ts";
import { configResetstat, configRewrite } from "./config-node.ts";
import { configSet } from "./config-set.ts";

export const config: ContainerCommand = {
  kind: "container",
  name: "config",
  summary: "Groups the commands about configuration.",
  since: "2.0.0",
  group: "server",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: subcommandsOf(configGet, configHelp, configResetstat, configRewrite, configSet),
};
