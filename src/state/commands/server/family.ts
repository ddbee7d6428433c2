// The commands of the server family.

import type { Command } from "../spec.ts";
import { bgsave } from "./bgsave.ts";
import { command } from "./command.ts";
import { config } from "./config.ts";
import { dbsize } from "./dbsize.ts";
import { debug } from "./debug.ts";
import { flushall } from "./flushall.ts";
import { flushdb } from "./flushdb.ts";
import { info } from "./info.ts";
import { lastsave } from "./lastsave.ts";
import { lolwut } from "./lolwut.ts";
import { memory } from "./memory.ts";
import { role } from "./role.ts";
import { save } from "./save.ts";
import { shutdown } from "./shutdown.ts";
import { swapdb } from "./swapdb.ts";
import { time } from "./time.ts";

export const serverCommands: readonly Command[] = [
  bgsave,
  command,
  config,
  dbsize,
  debug,
  flushall,
  flushdb,
  info,
  lastsave,
  lolwut,
  memory,
  role,
  save,
  shutdown,
  swapdb,
  time,
];
