// An empty state, for a start and for a snapshot that is being received.

import { randomBytes } from "node:crypto";
import { commands } from "../state/commands/table.ts";
import { Machine } from "../state/execution/machine.ts";

/** Its hash seed differs from node to node and from start to start: see KeyHasher. */
export function createMachine(): Machine {
  return new Machine({ commands, hashSeed: randomBytes(4).readUInt32LE() });
}
