// The commands about the cluster: RAFT, which Redis does not have, and how a connection reads.

import type { Command } from "../spec.ts";
import { raft } from "./raft.ts";
import { readonly, readwrite } from "./readonly.ts";

export const clusterCommands: readonly Command[] = [raft, readonly, readwrite];
