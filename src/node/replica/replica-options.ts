// What a replica is given: who it is, and its ways to the disk, the other nodes and the clock.

import type { Logger } from "../../logger.ts";
import type { RaftCore } from "../../raft/core/core.ts";
import type { NodeId, SnapshotPoint } from "../../raft/core/types.ts";
import type { LogStore } from "../../raft/ports.ts";
import type { Machine } from "../../state/execution/machine.ts";
import type { Peers } from "../frames.ts";
import type { MemberAddress } from "../members/member-address.ts";
import type { EvictionOptions } from "./evictor.ts";
import type { Lease } from "./read-barrier.ts";
import type { ReplicaLimits } from "./replica-limits.ts";
import type { OwnSettings } from "./settings-desk.ts";

export interface ReplicaOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly core: RaftCore;
  readonly store: LogStore;
  readonly machine: Machine;
  readonly peers: Peers;
  /** Where this node listens now; null as long as it does not. */
  readonly address: () => MemberAddress | null;
  /** The peers that the invitation of a new node names; none for any other. */
  readonly invited?: ReadonlyMap<NodeId, string>;
  /** Nothing that the owner knows speaks against this member as leader; by default nothing does. */
  readonly mayLead?: (member: NodeId) => boolean;
  readonly logger: Logger;
  /** The wall clock, in Unix ms; it may jump. */
  readonly nowMs: () => number;
  /** For waiting: nobody sets this clock. */
  readonly monotonicMs: () => number;
  /**
   * The clock for slices of work, `monotonicMs` by default. A simulation gives one in which work seems longer than it
   * is.
   */
  readonly sliceClockMs?: () => number;
  /** Null: every read asks a majority. The core is then not patient, else it is. */
  readonly lease?: Lease | null;
  readonly random: () => number;
  /** Asks for `turn` at the end of this turn of the event loop. */
  readonly wake: () => void;
  /** In the middle of a large entry: complete replies may be written. Nothing else may be begun. */
  readonly answered?: () => void;
  /** After each turn: replies are ready to be written. */
  readonly turned: () => void;
  /** Bytes of entries that were just applied: time for a checkpoint, perhaps. */
  readonly applied: (bytes: number) => void;
  /** Null, by default: this node derives no settings from its memory, and proposes none. */
  readonly settings?: OwnSettings | null;
  /** By default those of Redis. */
  readonly eviction?: () => EvictionOptions;
  /** By default those of `constants.ts`. */
  readonly limits?: ReplicaLimits;
  readonly snapshots: SnapshotTransfers;
  /** The disk has lost what was acknowledged: the process has to end. */
  readonly onFailure: (error: Error) => void;
}

/** The way of a whole state from node to node: snapshots/snapshots.ts. */
export interface SnapshotTransfers {
  begin(to: NodeId): void;
  install(point: SnapshotPoint, done: () => void): void;
  leaderChanged(): void;
}
