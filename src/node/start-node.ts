// The recipe of one node: directory, clients, checkpoint, log, consensus, peers; closed in reverse.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { closeGraceMs, diskBytesMin, loadingStepBytes, segmentBytes } from "../constants.ts";
import { diskFiles } from "../disk.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { foundingEntry } from "../raft/core/membership.ts";
import { asIndex, asNode, asTerm, type NodeId } from "../raft/core/types.ts";
import type { LogStore } from "../raft/ports.ts";
import { openSegmentLog } from "../raft/storage/segment-log.ts";
import type { CheckpointMeta } from "../state/checkpoint/meta.ts";
import type { Machine } from "../state/execution/machine.ts";
import { proposalFormat, readHeader } from "../state/execution/proposal.ts";
import { codeOf } from "../system-error.ts";
import { checkPorts } from "./check-ports.ts";
import { ClientPort } from "./client-port.ts";
import { Closing } from "./closing.ts";
import type { Config } from "./config/config.ts";
import type { RuntimeConfig } from "./config/config-runtime.ts";
import { createMachine } from "./create-machine.ts";
import {
  DataDirectory,
  type Identity,
  logOwner,
  newClusterId,
} from "./directory/data-directory.ts";
import { hasSpaceFor, logShare, storeSizes } from "./directory/disk-space.ts";
import { growingFiles } from "./directory/growing-files.ts";
import { requestJoin } from "./join.ts";
import { Loading } from "./loading.ts";
import { LoadingReport } from "./loading-report.ts";
import { encodeAddress } from "./members/member-address.ts";
import type { NodeHooks, NodeParts } from "./node-parts.ts";
import { DiskRoom } from "./resources/disk-room.ts";
import { MemoryRoom, type MemorySpace } from "./resources/memory-room.ts";
import { inMiB } from "./resources/room.ts";
import { measureMemory } from "./resources/system-memory.ts";
import { founder, Node, type RunningNode } from "./running-node.ts";
import { CheckpointHome, type LoadedHome } from "./snapshots/checkpoint-home.ts";
import { restartPoint, snapshotPoint } from "./snapshots/snapshot-point.ts";
import { StartError } from "./start-error.ts";

/** The directory of the log in a data directory. */
const logName = "log";

/** Resolves when the node serves clients. Rejects with an error whose message is for the operator. */
export async function startNode(runtime: RuntimeConfig, hooks: NodeHooks): Promise<RunningNode> {
  const config = runtime.current;
  await checkPorts(config);
  const closing = new Closing();
  try {
    const directory = await DataDirectory.open(config.dir);
    closing.add(() => directory.close());
    return await new NodeBuilder(runtime, hooks, directory, closing).build();
  } catch (error) {
    // Why the start failed says more than why something could not be closed after that.
    await closing.run().catch(() => {});
    throw error;
  }
}

class NodeBuilder {
  readonly #runtime: RuntimeConfig;
  readonly #hooks: NodeHooks;
  readonly #directory: DataDirectory;
  readonly #closing: Closing;
  readonly #loading = new Loading(Date.now());
  readonly #disk: DiskRoom;

  constructor(
    runtime: RuntimeConfig,
    hooks: NodeHooks,
    directory: DataDirectory,
    closing: Closing,
  ) {
    this.#runtime = runtime;
    this.#hooks = hooks;
    this.#directory = directory;
    this.#closing = closing;
    this.#disk = new DiskRoom({ measure: () => directory.space() });
  }

  async build(): Promise<RunningNode> {
    const { logger, stopping } = this.#hooks;
    for (const warning of this.#directory.warnings) logger.warn(warning);
    await this.#checkDisk();

    const identity = await unlessStopped(stopping, this.#identity());
    const machine = createMachine();
    const clients = await this.#openPort(identity, machine);
    const report = new LoadingReport(this.#loading, logger);
    this.#closing.add(async () => report.stop());

    const { home, checkpoint } = await this.#openCheckpoint(machine);
    const logShareBytes = logShare(this.#disk.space);
    const store = await this.#openLog(identity, logShareBytes);
    await finishInstallation(home, checkpoint, store);
    await this.#found(identity, store);
    checkOrder(machine, store);
    const life = await this.#directory.outlive(await this.#highestLife(identity, machine, store));

    const parts = { ...this.#parts(), identity: { ...identity, ...life }, clients };
    const rooms = { disk: this.#disk, memory: new MemoryRoom(() => memoryWithout(machine)) };
    const node = new Node({ ...parts, ...rooms, machine, home, store, logShareBytes });
    this.#closing.replace(async () => {
      report.stop();
      await node.abandon();
    });
    await node.start();
    stopping.throwIfAborted();
    this.#loading.end();
    report.end(keysOf(machine));
    return node;
  }

  #parts(): Pick<NodeParts, "runtime" | "hooks" | "directory" | "loading"> {
    return {
      runtime: this.#runtime,
      hooks: this.#hooks,
      directory: this.#directory,
      loading: this.#loading,
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

  /** Clients are told -LOADING from now on. */
  async #openPort(identity: Identity, machine: Machine): Promise<ClientPort> {
    const clients = new ClientPort({ ...this.#parts(), identity, machine });
    this.#closing.add(() => clients.close(closeGraceMs));
    await clients.listen();
    return clients;
  }

  /** Between two steps of the loading: the event loop goes on, and the start may be called off. */
  async #pause(): Promise<void> {
    await nextTurn();
    this.#hooks.stopping.throwIfAborted();
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
    this.#hooks.stopping.throwIfAborted();
    const settled = await this.#directory.settle(invitation.clusterId, invitation.nodeId);
    const peers = invitation.members.map(({ id, peerAddress }) => [id, peerAddress] as const);
    return { ...settled, peers: new Map(peers.filter(([id]) => id !== settled.nodeId)) };
  }

  async #openCheckpoint(machine: Machine): Promise<LoadedHome> {
    const { path } = this.#directory;
    const loading = this.#loading;
    loading.expect("checking the log", await bytesBelow(join(path, logName)));
    loading.begin("reading the checkpoint");
    const found = await CheckpointHome.open(path, machine, {
      sizes: storeSizes(this.#disk.space),
      onFound: async (checkpoint) =>
        loading.expect("reading the checkpoint", await bytesBelow(checkpoint)),
      onLoaded: (share) => {
        loading.reach(share);
        return this.#pause();
      },
    });
    if (!("deadly" in found)) {
      this.#closing.add(() => found.home.close());
      return found;
    }
    const { directory, signal } = found.deadly;
    throw new StartError(
      `the checkpoint in ${directory} is damaged: LevelDB ends the process that reads it (${signal}). ` +
        "Remove this node from the cluster (RAFT REMOVE), and let it join anew with an empty directory",
    );
  }

  async #openLog(identity: Identity, logShareBytes: number): Promise<LogStore> {
    const { onFailure } = this.#hooks;
    const { checkpointLogBytes } = this.#runtime.current;
    const loading = this.#loading;
    loading.begin("checking the log");
    let pausedAt = 0;
    const log = await openSegmentLog({
      directory: join(this.#directory.path, logName),
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
      onRead: (bytes) => {
        if (bytes < pausedAt + loadingStepBytes) return null;
        pausedAt = bytes;
        loading.reach(bytes / loading.bytesOf("checking the log"));
        return this.#pause();
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
    this.#closing.add(() => log.close());
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

  /** The highest incarnation of this node of which checkpoint or log know; 0 for none. */
  async #highestLife({ nodeId }: Identity, machine: Machine, store: LogStore): Promise<number> {
    const loading = this.#loading;
    const { appliedIndex, origins } = machine;
    const { lastIndex } = store;
    loading.expect("checking the log", store.bytes);
    loading.expect("looking through the log", unappliedBytes(appliedIndex, store));
    const applies = isAlone(nodeId, store);
    loading.expect("applying the log", applies ? unappliedBytes(appliedIndex, store) : 0);
    loading.begin("looking through the log");
    let highest = origins.list().find(({ node }) => node === nodeId)?.incarnation ?? 0;
    for (let index = appliedIndex + 1; index <= lastIndex; ) {
      const entries = store.slice(asIndex(index), lastIndex, loadingStepBytes);
      for (const { kind, data } of entries) {
        if (kind !== "data") continue;
        checkFormat(data);
        const { origin, incarnation } = readHeader(data);
        if (origin === nodeId) highest = Math.max(highest, incarnation);
      }
      index += entries.length;
      loading.reach((index - appliedIndex) / (lastIndex - appliedIndex));
      await this.#pause();
    }
    return highest;
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

function checkFormat(data: Uint8Array): void {
  if (data[0] === proposalFormat) return;
  throw new StartError(
    `another version of kvorum wrote this log (entries of format ${data[0]}, this one reads ${proposalFormat}). ` +
      "It is not damaged: start the version that wrote it, or give an empty --dir and copy the keys over with a client",
  );
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

/** A cluster of one: it needs nobody to apply its log. */
function isAlone(nodeId: NodeId, store: LogStore): boolean {
  const [first, ...others] = store.membershipAt(store.lastIndex)?.membership.members ?? [];
  return first?.id === nodeId && others.length === 0;
}

/** About, because entries are not of one size. */
function unappliedBytes(appliedIndex: number, { firstIndex, lastIndex, bytes }: LogStore): number {
  const entries = lastIndex + 1 - firstIndex;
  const unapplied = Math.min(entries, lastIndex - appliedIndex);
  return entries === 0 ? 0 : Math.floor((bytes * unapplied) / entries);
}

/** Of the files in a directory, as far as it can be read: if it cannot, whoever opens it says so. */
async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  try {
    for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size;
  } catch (error) {
    if (codeOf(error) === null) throw error;
  }
  return bytes;
}

function keysOf({ keyspace }: Machine): number {
  return keyspace.databases.reduce((sum, { size }) => sum + size, 0);
}

/** What is under way goes on, but nobody waits for it. */
function unlessStopped<Result>(stopping: AbortSignal, work: Promise<Result>): Promise<Result> {
  stopping.throwIfAborted();
  const stopped = new Promise<never>((_resolve, reject) => {
    stopping.addEventListener("abort", () => reject(stopping.reason), { once: true });
  });
  return Promise.race([work, stopped]);
}

/** Chunks that hold no data are room that the process has, whatever the system says. */
async function memoryWithout({ keyspace }: Machine): Promise<MemorySpace | null> {
  const space = await measureMemory();
  if (space === null) return null;
  const { spareBytes } = keyspace.memory.arena;
  const resident = Math.max(0, space.resident - spareBytes);
  return { ...space, resident, available: space.available + spareBytes };
}
