// The program's own parts of one node, opened and wired as the real one does it.

import { basename } from "node:path";
import { electionTicksMin, heartbeatTicks, leaseMs } from "../../src/constants.ts";
import { Replica } from "../../src/node/replica/replica.ts";
import type { OwnSettings } from "../../src/node/replica/settings-desk.ts";
import { DiskRoom } from "../../src/node/resources/disk-room.ts";
import { MemoryRoom } from "../../src/node/resources/memory-room.ts";
import { RoomGuard } from "../../src/node/resources/room-guard.ts";
import { restartPoint } from "../../src/node/snapshots/snapshot-point.ts";
import { Snapshots } from "../../src/node/snapshots/snapshots.ts";
import { createRaft } from "../../src/raft/core/raft.ts";
import { asIndex } from "../../src/raft/core/types.ts";
import { segmentNumber } from "../../src/raft/storage/scan.ts";
import { openSegmentLog, type SegmentLog } from "../../src/raft/storage/segment-log.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import type { SimulatedDisk } from "../support/log-disk.ts";
import { restoreAtStart } from "./checkpoint-disk.ts";
import { foundLog } from "./founding.ts";
import type { Running, SimulatedProcess } from "./parts.ts";
import type { Plan } from "./plan.ts";
import { Violation } from "./world.ts";

/** A violation, unless a bit of that log was flipped. */
export class DamagedLog extends Violation {
  constructor(what: string) {
    super("durability", what);
  }
}

/** Log and state as the disks have them. Rejects when a disk fails, or with `DamagedLog`. */
export async function openParts(
  node: SimulatedProcess,
  disk: SimulatedDisk,
  onFailure: () => void,
): Promise<Pick<Running, "log" | "machine">> {
  const { plan, marks } = node.world;
  const { segmentBytes, cacheBytes } = plan;
  const options = { directory: "log", files: disk, segmentBytes, cacheBytes, onFailure };
  const log = await openSegmentLog(options);
  if ("damaged" in log) throw new DamagedLog(`node ${node.id} opens its log: ${log.damaged}`);
  const segments = disk.paths().filter((path) => segmentNumber(basename(path)) !== null);
  if (segments.length > 1) marks.met("segment rolled");
  if (log.torn) marks.met("torn write cut off at the start");
  const { mark } = node.home;
  if (mark !== null) {
    marks.met("install finished after a crash");
    await new Promise<void>((done) => log.restart(restartPoint(mark), done));
    await node.home.restarted();
  }
  if (log.lastIndex === 0 && node.id <= plan.founders) await foundLog(log, plan.founders);
  const machine = newMachine(node);
  if (node.checkpoints.stored !== null) marks.met("restart from a checkpoint");
  restoreAtStart(machine, node.checkpoints.stored);
  return { log, machine };
}

const newMachine = (node: SimulatedProcess): Machine =>
  new Machine({ commands, hashSeed: node.chance.below(2 ** 31), requestsPerLook: 1 });

export function wireParts(node: SimulatedProcess, log: SegmentLog, machine: Machine): Running {
  const { plan } = node.world;
  const random = node.chance.next;
  const core = createRaft({
    id: node.id,
    hardState: log.hardState,
    applied: asIndex(machine.appliedIndex),
    log,
    ...{ heartbeatTicks, electionTicks: electionTicksMin, random },
    appendBytesMax: plan.appendBytesMax,
    inflightMessagesMax: plan.inflightMessagesMax,
    inflightBytesMax: plan.limits.inflightBytesMax,
    ...plan.limits.core,
    patient: plan.leases,
  });
  node.around.bait.core?.(core);
  // The two know each other: consensus asks for snapshots, and is told of them.
  const parts: { snapshots: Snapshots | null } = { snapshots: null };
  const replica = createReplica(node, { core, log, machine }, parts);
  const snapshots = createSnapshots(node, { log, machine, replica });
  parts.snapshots = snapshots;
  const room = new RoomGuard({
    driver: replica.driver,
    peers: peersOf(node),
    disk: new DiskRoom({ measure: node.disk.space }),
    memory: new MemoryRoom(() => Promise.resolve(null)),
    reserve: { follow: () => Promise.resolve(), give: () => Promise.resolve() },
    pendingBytes: () => replica.pendingWriteBytes,
    logger: node.around.snapshotLogger,
  });
  return { core, replica, machine, log, snapshots, room };
}

function settingsOf({ memory }: Plan): OwnSettings | null {
  if (memory === null) return null;
  const { bytes, policy } = memory;
  const given = [["maxmemory", String(bytes)] as const, ["maxmemory-policy", policy] as const];
  return { memoryBytes: bytes, given };
}

function createReplica(
  node: SimulatedProcess,
  { core, log, machine }: Pick<Running, "core" | "log" | "machine">,
  parts: { readonly snapshots: Snapshots | null },
): Replica {
  const { loggerOf, world } = node.around;
  const { monotonicMs } = node;
  let sliceMs = 0;
  return new Replica({
    clusterId: "simulated",
    nodeId: node.id,
    incarnation: node.incarnation,
    ...{ core, machine, logger: loggerOf(node.id), store: log },
    peers: peersOf(node),
    limits: world.plan.limits.replica,
    settings: settingsOf(world.plan),
    address: () => node.address,
    invited: node.invited,
    nowMs: node.nowMs,
    monotonicMs,
    sliceClockMs: () => (sliceMs += world.plan.requestMs),
    lease: world.plan.leases ? { ms: leaseMs, monotonicMs } : null,
    random: node.chance.next,
    wake: () => node.wake(),
    turned: () => {
      for (const tenant of node.tenants) tenant.turned();
    },
    onFailure: (error) => node.world.fail(error),
    applied: (bytes) => node.checkpoints.applied(bytes, machine),
    snapshots: {
      begin: (to) => {
        node.world.wantsDrain = true;
        parts.snapshots?.begin(to);
      },
      install: (point, done) => {
        node.world.wantsDrain = true;
        parts.snapshots?.install(point, () => {
          // Nobody catches what is thrown behind a promise.
          try {
            node.installed();
            done();
          } catch (error) {
            node.world.fail(error);
          }
        });
      },
      leaderChanged: () => parts.snapshots?.leaderChanged(),
    },
  });
}

function peersOf(node: SimulatedProcess): ConstructorParameters<typeof Replica>[0]["peers"] {
  const { network, watcher, bait } = node.around;
  return {
    setPeers: (peers) => {
      if (peers.size === 0 && node.isRemoved) node.retired();
      network().setPeers(node.id, new Set<number>(peers.keys()));
    },
    send: (to, kind, parts) => {
      const body = Buffer.concat(parts);
      bait.sending?.(kind, body);
      const isSent = network().send(node.id, to, { kind, body });
      // What a save that was under way acknowledges reaches nobody: a removed node has left them all.
      if (isSent || !node.isRetired) watcher.sending(node, kind, body);
      return isSent;
    },
    flush: () => {},
  };
}

function createSnapshots(
  node: SimulatedProcess,
  { log, machine, replica }: Pick<Running, "log" | "machine" | "replica">,
): Snapshots {
  return new Snapshots({
    nodeId: node.id,
    incarnation: node.incarnation,
    peers: peersOf(node),
    ...{ driver: replica.driver, machine, createMachine: () => newMachine(node) },
    ...{ home: node.home.asHome, log },
    alone: (work) => node.checkpoints.alone(work),
    whenStill: () => replica.whenStill(),
    nowMs: node.monotonicMs,
    logger: node.around.snapshotLogger,
    onFailure: (error) => node.world.fail(error),
  });
}
