// The commands that administer the cluster; Redis has none of them.

import type { Command } from "../spec.ts";
import { raft } from "./raft.ts";

export const raftCommands: readonly Command[] = [raft];
