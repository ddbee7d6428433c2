// One frame to every other member of the configuration in force.

import type { RaftDriver } from "../raft/driver.ts";
import type { Peers } from "./frames.ts";

export function tellOthers(
  { core }: Pick<RaftDriver, "core">,
  peers: Pick<Peers, "send">,
  kind: number,
  body: Uint8Array,
): void {
  for (const { id } of core.membership.members) if (id !== core.id) peers.send(id, kind, [body]);
}
