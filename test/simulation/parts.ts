// What the parts of a simulated node know of each other.

import type { Logger } from "../../src/logger.ts";
import type { MemberAddress } from "../../src/node/members/member-address.ts";
import type { Replica } from "../../src/node/replica/replica.ts";
import type { RoomGuard } from "../../src/node/resources/room-guard.ts";
import type { Snapshots } from "../../src/node/snapshots/snapshots.ts";
import type { RaftCore } from "../../src/raft/core/core.ts";
import type { NodeId } from "../../src/raft/core/types.ts";
import type { SegmentLog } from "../../src/raft/storage/segment-log.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import type { Bait } from "./bait.ts";
import type { Chance } from "./chance.ts";
import type { CheckpointDisk } from "./checkpoint-disk.ts";
import type { Network } from "./network.ts";
import type { NodeDisk } from "./node-disk.ts";
import type { SimulatedHome } from "./simulated-home.ts";
import type { World } from "./world.ts";

/** What the process of a node consists of while it serves. */
export interface Running {
  readonly core: RaftCore;
  readonly replica: Replica;
  readonly machine: Machine;
  readonly log: SegmentLog;
  readonly snapshots: Snapshots;
  readonly room: RoomGuard;
}

/** A node as its own parts and its watcher see it. */
export interface SimulatedProcess {
  readonly id: NodeId;
  readonly incarnation: number;
  /** Where it listens; null where members do not change, and nobody has to be told. */
  readonly address: MemberAddress | null;
  /** Of its invitation; empty for a founder. */
  readonly invited: ReadonlyMap<NodeId, string>;
  /** It knows that it is no member any more. */
  readonly isRemoved: boolean;
  /** From now on it neither votes nor answers, because it was removed. */
  readonly isRetired: boolean;
  retired(): void;
  readonly world: World;
  readonly around: Surroundings;
  readonly chance: Chance;
  readonly checkpoints: CheckpointDisk;
  readonly home: SimulatedHome;
  readonly disk: NodeDisk;
  readonly tenants: ReadonlySet<Tenant>;
  /** The wall clock, and one that only ever goes on. */
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** A turn is wanted. */
  wake(): void;
  /** Its state was replaced by that of a snapshot. */
  installed(): void;
  /** What it knows at the end of a step. */
  leaderKnown(isKnown: boolean): void;
}

/** Whoever is connected to the process. */
export interface Tenant {
  /** It has asked for something to read, and waits. */
  readonly awaitsRead: boolean;
  /** Replies may be written, more requests may be taken. */
  turned(): void;
  /** The process is gone. */
  ended(): void;
}

export interface Surroundings {
  readonly world: World;
  readonly watcher: Watcher;
  /** A warning is a violation. */
  readonly loggerOf: (id: number) => Logger;
  /** Transfers of snapshots end early as a matter of course. */
  readonly snapshotLogger: Logger;
  readonly network: () => Network;
  readonly bait: Bait;
}

/** Told of everything that could break a promise. */
export interface Watcher {
  /** Log and state as they came from the disk. */
  opened(node: SimulatedProcess, log: SegmentLog, machine: Machine): void;
  /** It serves from now on. */
  watch(node: SimulatedProcess, running: Running): void;
  ended(node: SimulatedProcess): void;
  sending(node: SimulatedProcess, kind: number, body: Buffer): void;
  checkpointBegins(node: SimulatedProcess, machine: Machine): void;
  installed(node: SimulatedProcess, machine: Machine): void;
  /** At the end of every step. */
  after(node: SimulatedProcess): void;
}
