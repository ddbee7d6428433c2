// The recipe of one node: directory, checkpoint, log, consensus, peers, clients; closed in reverse.

import { createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { diskBytesMin, segmentBytes } from "../constants.ts";
import { diskFiles } from "../disk.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { foundingEntry } from "../raft/core/membership.ts";
import { asIndex, asNode, asTerm, type NodeId } from "../raft/core/types.ts";
import type { LogStore } from "../raft/ports.ts";
import { openSegmentLog } from "../raft/storage/segment-log.ts";
import type { CheckpointMeta } from "../state/checkpoint/meta.ts";
import type { Machine } from "../state/execution/machine.ts";
import { readHeader } from "../state/execution/proposal.ts";
import { codeOf, describeError } from "../system-error.ts";
import type { Config } from "./config/config.ts";
import type { RuntimeConfig } from "./config/config-runtime.ts";
import { createMachine } from "./create-machine.ts";
import {
  DataDirectory,
  type Identity,
  logOwner,
  newClusterId,
} from "./directory/data-directory.ts";
import { hasSpaceFor, logShare } from "./directory/disk-space.ts";
import { growingFiles } from "./directory/growing-files.ts";
import { requestJoin } from "./join.ts";
import { encodeAddress } from "./members/member-address.ts";
import type { NodeHooks, NodeParts } from "./node-parts.ts";
import { DiskRoom } from "./resources/disk-room.ts";
import { MemoryRoom } from "./resources/memory-room.ts";
import { inMiB } from "./resources/room.ts";
import { measureMemory } from "./resources/system-memory.ts";
import { founder, Node, type RunningNode } from "./running-node.ts";
import { CheckpointHome, type LoadedHome } from "./snapshots/checkpoint-home.ts";
import { restartPoint, snapshotPoint } from "./snapshots/snapshot-point.ts";

/** Bytes of the log that are in memory at once while the start looks through it. */
const startReadBytes = 1024 * 1024;

/** A node that cannot start, as one line that says what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Resolves when the node serves clients. Rejects with an error whose message is for the operator. */
export async function startNode(runtime: RuntimeConfig, hooks: NodeHooks): Promise<RunningNode> {
  const config = runtime.current;
  await checkPorts(config);
  const directory = await DataDirectory.open(config.dir);
  try {
    return await new NodeBuilder(runtime, hooks, directory).build();
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** A port that is taken is found out before anything is written or a cluster is asked to let us in. */
async function checkPorts({ bind, port, peerPort }: Config): Promise<void> {
  for (const { host, optional } of bind) {
    for (const each of [port, peerPort]) {
      if (each !== 0) await checkPort(host, each, optional);
    }
  }
}

function checkPort(host: string, port: number, optional: boolean): Promise<void> {
  const probe = createSocketServer();
  return new Promise((resolve, reject) => {
    probe.once("error", (error) => {
      if (optional && codeOf(error) === "EADDRNOTAVAIL") resolve();
      else reject(new StartError(`cannot listen on ${portProblem(host, port, error)}`));
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

function portProblem(host: string, port: number, error: unknown): string {
  const place = `${formatEndpoint({ host, port })}: ${describeError(error)}`;
  return codeOf(error) === "EADDRINUSE"
    ? `${place}. End the other process, or choose another --port or --peer-port`
    : place;
}

class NodeBuilder {
  readonly #runtime: RuntimeConfig;
  readonly #hooks: NodeHooks;
  readonly #directory: DataDirectory;
  readonly #disk: DiskRoom;

  constructor(runtime: RuntimeConfig, hooks: NodeHooks, directory: DataDirectory) {
    this.#runtime = runtime;
    this.#hooks = hooks;
    this.#directory = directory;
    this.#disk = new DiskRoom({ measure: () => directory.space() });
  }

  async build(): Promise<RunningNode> {
    const { logger } = this.#hooks;
    for (const warning of this.#directory.warnings) logger.warn(warning);
    await this.#checkDisk();

    const identity = await this.#identity();
    const machine = createMachine();
    const { home, checkpoint } = await this.#openCheckpoint(machine);
    const logShareBytes = logShare(this.#disk.space);
    const store = await this.#openLog(identity, logShareBytes);
    await finishInstallation(home, checkpoint, store);
    await this.#found(identity, store);
    checkOrder(machine, store);
    const life = await this.#directory.outlive(highestLife(identity.nodeId, machine, store));

    const parts = { ...this.#parts(), identity: { ...identity, ...life } };
    const node = new Node({ ...parts, machine, home, store, logShareBytes });
    logger.debug(
      { checkpoint: checkpoint?.appliedIndex ?? 0, last: store.lastIndex },
      "state loaded",
    );
    await node.start();
    return node;
  }

  #parts(): Pick<NodeParts, "runtime" | "hooks" | "directory" | "disk" | "memory"> {
    return {
      ...{ runtime: this.#runtime, hooks: this.#hooks, directory: this.#directory },
      ...{ disk: this.#disk, memory: new MemoryRoom(measureMemory) },
    };
  }

  async #checkDisk(): Promise<void> {
    await this.#disk.look();
    const { total } = this.#disk.space;
    if (total === 0 || total >= diskBytesMin) return;
    throw new StartError(
      `the disk of ${this.#directory.path} has ${inMiB(total)} MiB, and a node needs ${inMiB(diskBytesMin)} MiB at least: ` +
        "give a --dir on a larger one",
    );
  }

  /** Who this node is: known to the directory, invited by the cluster to join, or a new founder. */
  async #identity(): Promise<Identity & { readonly peers: ReadonlyMap<NodeId, string> }> {
    const known = this.#directory.identity;
    const config = this.#runtime.current;
    const none: ReadonlyMap<NodeId, string> = new Map();
    if (known !== null) return { ...known, peers: none };
    if (config.join === null) {
      return { ...(await this.#directory.settle(newClusterId(), founder)), peers: none };
    }
    const invitation = await requestJoin({
      target: config.join,
      ...addressesOf(config),
      directory: await this.#directory.joiningAs(),
      password: config.requirepass,
      report: (line) => this.#hooks.logger.info(line),
    });
    const settled = await this.#directory.settle(invitation.clusterId, invitation.nodeId);
    const peers = invitation.members.map(({ id, peerAddress }) => [id, peerAddress] as const);
    return { ...settled, peers: new Map(peers.filter(([id]) => id !== settled.nodeId)) };
  }

  async #openCheckpoint(machine: Machine): Promise<LoadedHome> {
    const found = await CheckpointHome.open(this.#directory.path, machine);
    if (!("deadly" in found)) return found;
    const { directory, signal } = found.deadly;
    throw new StartError(
      `the checkpoint in ${directory} is damaged: LevelDB ends the process that reads it (${signal}). ` +
        "Remove this node from the cluster (RAFT REMOVE), and let it join anew with an empty directory",
    );
  }

  async #openLog(identity: Identity, logShareBytes: number): Promise<LogStore> {
    const { onFailure } = this.#hooks;
    const { checkpointLogBytes } = this.#runtime.current;
    const log = await openSegmentLog({
      directory: join(this.#directory.path, "log"),
      owner: logOwner(identity),
      onFailure,
      onBegun: () => this.#directory.logBegun(),
      // A smaller log is cut in smaller steps.
      segmentBytes: Math.min(segmentBytes, checkpointLogBytes, logShareBytes),
      files: growingFiles(diskFiles, (bytes) => this.#disk.grown(bytes)),
      hasSpace: async (bytes) => {
        await this.#disk.look();
        return hasSpaceFor(bytes, this.#disk.space);
      },
    });
    if ("damaged" in log && log.isOtherFormat === true) {
      throw new StartError(
        `another version of kvorum wrote this log (${log.damaged}). It is not damaged: start the version that wrote it, ` +
          "or give an empty --dir and copy the keys over with a client",
      );
    }
    if ("damaged" in log) {
      throw new StartError(
        `the log is damaged (${log.damaged}): this node must not vote with it. ` +
          "Remove it from the cluster (RAFT REMOVE), and let it join anew with an empty directory",
      );
    }
    if (log.torn) this.#hooks.logger.info("cut off a write that a crash had left incomplete");
    return log;
  }

  /** A new cluster begins with its membership as the first entry, on disk before anything else. */
  async #found(identity: Identity, store: LogStore): Promise<void> {
    if (store.lastIndex > 0) {
      await this.#directory.logBegun();
      return;
    }
    // A new member's first save may hold nothing but its term: it has voted with that log, and may go on with it.
    const hasVoted = store.hardState.term > 0 && identity.nodeId !== founder;
    if (identity.hasLog && !hasVoted) {
      throw new StartError(
        `the log of ${this.#directory.path} is gone: this node must not vote without it. ` +
          "Remove it from its cluster (RAFT REMOVE), and let it join anew with an empty directory",
      );
    }
    if (identity.nodeId !== founder) return; // The leader sends it the cluster's log.
    const config = this.#runtime.current;
    const { peerAddress: peer, clientAddress: client } = addressesOf(config);
    const address = encodeAddress({ peer, client });
    const members = [{ id: founder, voter: true, address }];
    const entry = foundingEntry({ members, nextId: asNode(founder + 1) });
    const hardState = { term: asTerm(1), votedFor: null };
    await new Promise<void>((done) => store.save({ hardState, entries: [entry] }, done));
    // An operator who lost the disk of a member reads here that this node did not come back as that member.
    this.#hooks.logger.info(
      "a new cluster begins with this node alone: a member of another one needs --join",
    );
  }
}

/** A crash came between the switch to a snapshot and the restart of the log behind it. */
async function finishInstallation(
  home: CheckpointHome,
  checkpoint: CheckpointMeta | null,
  store: LogStore,
): Promise<void> {
  const mark = home.restart;
  if (mark === null) return;
  const point = checkpoint === null ? null : snapshotPoint(checkpoint);
  if (point === null || point.index !== mark.index || point.term !== mark.term) {
    throw new StartError(
      `the snapshot of entry ${mark.index} was being installed, and the checkpoint is another one: ` +
        "let this node join anew with an empty directory",
    );
  }
  // The log has restarted already if the mark comes from an older copy of checkpoint.json.
  const hasRestarted =
    store.firstIndex === point.index + 1 && store.term(point.index) === point.term;
  if (!hasRestarted) await new Promise<void>((done) => store.restart(restartPoint(point), done));
  await home.restarted();
}

function addressesOf(config: Config): { peerAddress: string; clientAddress: string } {
  const { announce: host, port, peerPort } = config;
  return {
    peerAddress: formatEndpoint({ host, port: peerPort }),
    clientAddress: formatEndpoint({ host, port }),
  };
}

/** The highest incarnation of this node of which checkpoint or log know; 0 for none. */
function highestLife(nodeId: NodeId, machine: Machine, store: LogStore): number {
  let highest = machine.origins.list().find(({ node }) => node === nodeId)?.incarnation ?? 0;
  for (let index = machine.appliedIndex + 1; index <= store.lastIndex; ) {
    const entries = store.slice(asIndex(index), store.lastIndex, startReadBytes);
    for (const { kind, data } of entries) {
      if (kind !== "data") continue;
      const { origin, incarnation } = readHeader(data);
      if (origin === nodeId) highest = Math.max(highest, incarnation);
    }
    index += entries.length;
  }
  return highest;
}

/** The log goes on where the checkpoint ends, and holds everything that is applied. */
function checkOrder(machine: Machine, store: LogStore): void {
  if (store.firstIndex > machine.appliedIndex + 1) {
    throw new StartError(
      `the log begins at entry ${store.firstIndex}, but the checkpoint ends at ` +
        `${machine.appliedIndex}: entries are missing. Let this node join anew with an empty directory`,
    );
  }
  if (machine.appliedIndex <= store.lastIndex) return;
  throw new StartError(
    `the log ends at entry ${store.lastIndex}, but entry ${machine.appliedIndex} was applied: ` +
      "it has lost its end, and this node must not vote with it. Remove it from the cluster " +
      "(RAFT REMOVE), and let it join anew with an empty directory",
  );
}
