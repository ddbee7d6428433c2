// What a node does for its clients once its state is loaded.

import type { SessionHost } from "../net/clients/session.ts";
import type { RaftAdmin } from "../state/commands/session-context.ts";
import type { Checkpointer } from "./snapshots/checkpointer.ts";

export interface Service extends Pick<SessionHost, "isFull" | "refusesWrite" | "write" | "read"> {
  readonly raft: RaftAdmin;
  readonly checkpointer: Checkpointer;
  setActiveExpiry(active: boolean): void;
  /** Asks for a turn, at whose end clients get their replies. */
  wake(): void;
}
