// CLIENT: what a connection may ask and tell about connections

import { subcommandsOf } from "../containers.ts";
import type { ContainerCommand } from "../spec.ts";
import { clientHelp } from "./client-help.ts";
import { clientId } from "./client-id.ts";
import { clientKill } from "./client-kill.ts";
import { clientInfo, clientList } from "./client-list.ts";
import { clientNoEvict, clientNoTouch, clientReply } from "./client-modes.ts";
import { clientGetname, clientSetinfo, clientSetname } from "./client-name.ts";
import { clientPause, clientUnpause } from "./client-pause.ts";
import { clientGetredir, clientTrackinginfo } from "./client-tracking.ts";

export const client: ContainerCommand = {
  kind: "container",
  name: "client",
  summary: "Groups the commands about connections.",
  since: "2.4.0",
  group: "connection",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: subcommandsOf(
    clientGetname,
    clientGetredir,
    clientHelp,
    clientId,
    clientInfo,
    clientKill,
    clientList,
    clientNoEvict,
    clientNoTouch,
    clientPause,
    clientReply,
    clientSetinfo,
    clientSetname,
    clientTrackinginfo,
    clientUnpause,
  ),
};
