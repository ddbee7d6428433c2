// The parts of a replica, made and wired.

import { appendHeadBytes, encodeMessage } from "../../raft/codec.ts";
import type { NodeId, PeerMessage } from "../../raft/core/types.ts";
import { RaftDriver } from "../../raft/driver.ts";
import type { Consumer } from "../../raft/ports.ts";
import { encodeDigest, frameKind } from "../frames.ts";
import { AddressBook } from "../members/address-book.ts";
import { AdminDesk } from "../members/admin-desk.ts";
import { MembershipAdmin } from "../members/membership-admin.ts";
import { tellOthers } from "../tell-others.ts";
import { NodeTime } from "../time/node-time.ts";
import { AccessReports } from "./access-reports.ts";
import { Applier } from "./applier.ts";
import { DivergenceCheck } from "./divergence.ts";
import { defaultEviction, Evictor } from "./evictor.ts";
import { LeaderPath } from "./leader-path.ts";
import { Ordering } from "./ordering.ts";
import { PeerFrames } from "./peer-frames.ts";
import { PendingReads } from "./pending-reads.ts";
import { PendingWrites } from "./pending-writes.ts";
import { ReadBarrier } from "./read-barrier.ts";
import { readerOf } from "./read-runner.ts";
import { defaultLimits, type ReplicaLimits } from "./replica-limits.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import { SettingsDesk } from "./settings-desk.ts";

/** What the parts need of the replica that they make up. */
export interface ReplicaHost extends Consumer {
  /** Removed from the cluster: it says nothing any more. */
  readonly isRetired: boolean;
}

export interface ReplicaParts {
  readonly driver: RaftDriver;
  readonly writes: PendingWrites;
  readonly reads: PendingReads;
  readonly barrier: ReadBarrier;
  readonly evictor: Evictor;
  readonly ordering: Ordering;
  readonly path: LeaderPath;
  readonly applier: Applier;
  readonly divergence: DivergenceCheck;
  readonly membership: MembershipAdmin;
  readonly admin: AdminDesk;
  readonly addresses: AddressBook;
  readonly time: NodeTime;
  readonly settings: SettingsDesk;
  readonly accesses: AccessReports;
  readonly frames: PeerFrames;
}

export function createParts(options: ReplicaOptions, host: ReplicaHost): ReplicaParts {
  const { nodeId, peers, logger, clusterId, address, invited = new Map() } = options;
  const driver = createDriver(options, host);
  const membership = new MembershipAdmin(driver, clusterId);
  const time = createTime(options, driver);
  const requests = createRequests(options, driver, time);
  const admin = new AdminDesk(options, membership, () => requests.path.leader);
  const addresses = new AddressBook(driver, peers, address, invited);
  const divergence = createDivergence(options, driver);
  const settings = createSettings(options, driver, requests);
  const accesses = createAccessReports(options, driver, { ...requests, time });
  const parts = {
    ...{ driver, ...requests, time, membership, admin, addresses, divergence },
    ...{ settings, accesses },
  };
  return {
    ...parts,
    applier: createApplier(options, parts),
    frames: new PeerFrames(nodeId, logger, parts),
  };
}

function createDriver({ core, store, peers, snapshots, wake }: ReplicaOptions, host: ReplicaHost) {
  const transport = {
    send: (message: PeerMessage): void => {
      // A removed node takes no part any more: it does not even send the acknowledgements of a save in flight.
      if (host.isRetired) return;
      const { to, type } = message;
      // Behind the head of an AppendEntries are records, which carry checksums of their own.
      if (type === "appendEntries")
        peers.send(to, frameKind.append, encodeMessage(message), appendHeadBytes);
      else peers.send(to, frameKind.raft, encodeMessage(message));
    },
    flush: () => peers.flush(),
    sendSnapshot: (to: NodeId) => snapshots.begin(to),
  };
  return new RaftDriver(core, { store, transport, consumer: host, wake });
}

type Requests = Pick<
  ReplicaParts,
  "writes" | "reads" | "barrier" | "ordering" | "path" | "evictor"
>;

/** The way of requests to the leader and of their replies: the parts on it know each other. */
function createRequests(options: ReplicaOptions, driver: RaftDriver, time: NodeTime): Requests {
  const { nodeId, incarnation, peers, random, logger, wake, monotonicMs } = options;
  const limits: ReplicaLimits = options.limits ?? defaultLimits;
  const leader = (): NodeId | null => path.leader;
  const { machine, eviction = () => defaultEviction } = options;
  const { origins } = machine;
  const evictor = new Evictor({
    ...{ driver, machine, random, monotonicMs, options: eviction },
    ...{ nowMs: time.now, stampMs: time.stamp },
  });
  const ordering = new Ordering({
    ...{ nodeId, incarnation, driver, peers, leader, random, logger, limits, evictor },
    stampMs: time.stamp,
    highestApplied: (origin, life) => origins.highest(origin, life),
  });
  const writes = new PendingWrites(nodeId, incarnation, {
    submit: (batch) => ordering.submit(batch),
    answered: () => options.answered?.(),
    limits,
  });
  const barrier = new ReadBarrier({
    ...{ nodeId, incarnation, driver, peers, leader, wake },
    nowMs: time.now,
    confirmed: (token, index, clockMs) => reads.confirmed(token, index, clockMs),
    lease: options.lease ?? null,
    peerReadsMax: limits.peerReadsMax,
  });
  const reader = readerOf(options.machine, random);
  const sliceClockMs = options.sliceClockMs ?? monotonicMs;
  const reads = new PendingReads(reader, barrier, sliceClockMs, limits);
  const path = new LeaderPath({
    ...{ nodeId, driver, logger, monotonicMs, wake, writes, reads, barrier, ordering },
  });
  return { writes, reads, barrier, ordering, path, evictor };
}

function createSettings(options: ReplicaOptions, driver: RaftDriver, { writes }: Requests) {
  const { machine, peers, logger, wake, settings: own = null } = options;
  return new SettingsDesk({
    ...{ own, driver, machine, peers, logger },
    write: (waiter, source, start, end) => {
      writes.add(waiter, source, start, end);
      wake();
    },
  });
}

function createAccessReports(
  { machine, peers, random, monotonicMs }: ReplicaOptions,
  driver: RaftDriver,
  { path, time }: Pick<ReplicaParts, "path" | "time">,
): AccessReports {
  return new AccessReports({
    ...{ driver, peers, random, monotonicMs, keyspace: machine.keyspace },
    leader: () => path.leader,
    nowMs: time.now,
  });
}

function createTime(options: ReplicaOptions, driver: RaftDriver): NodeTime {
  const { nowMs: wallMs, mayLead = () => true } = options;
  return new NodeTime({ ...options, driver, mayLead, wallMs });
}

function createDivergence({ nodeId, peers, logger }: ReplicaOptions, driver: RaftDriver) {
  return new DivergenceCheck(nodeId, {
    tell: (index, digest) => {
      tellOthers(driver, peers, frameKind.digest, encodeDigest({ index, digest }));
    },
    voters: () => {
      const voters = driver.core.membership.members.filter(({ voter }) => voter);
      return new Set(voters.map(({ id }) => id));
    },
    warn: (line) => logger.error(line),
  });
}

function createApplier(
  { machine, monotonicMs, sliceClockMs, applied }: ReplicaOptions,
  {
    writes,
    divergence,
    membership,
    barrier,
    ordering,
    evictor,
    reads,
  }: Omit<ReplicaParts, "applier" | "frames">,
): Applier {
  return new Applier({
    machine,
    sink: writes,
    clockMs: sliceClockMs ?? monotonicMs,
    whole: ({ index, term }) => {
      divergence.applied(index, machine);
      membership.applied(index, term);
      barrier.applied(index, term);
      ordering.applied(term);
      evictor.applied(index);
    },
    readsWait: () => reads.areReady,
    applied,
  });
}
