// One running node: its parts, how they are wired, and how they are closed in the reverse order.

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  appendBytesMax,
  closeGraceMs,
  diskCheckMs,
  electionTicksMin,
  heartbeatTicks,
  inflightBytesMax,
  inflightMessagesMax,
  leaseMs,
  reclaimSliceMs,
  reclaimStepKeys,
  sweepMs,
  tickMs,
} from "../constants.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { PeerNetwork } from "../net/peers/peer-network.ts";
import { createRaft } from "../raft/core/raft.ts";
import { asIndex, asNode, type NodeId } from "../raft/core/types.ts";
import { errors } from "../resp/errors.ts";
import { commands } from "../state/commands/table.ts";
import { Machine } from "../state/execution/machine.ts";
import { DiskGuard } from "./directory/disk-guard.ts";
import { frameKind } from "./frames.ts";
import type { MemberAddress } from "./members/member-address.ts";
import type { NodeParts } from "./node-parts.ts";
import { joinSettings, ownSettings } from "./own-settings.ts";
import { ReplicaAdmin } from "./replica/raft-admin.ts";
import { Replica } from "./replica/replica.ts";
import type { Service } from "./service.ts";
import { Checkpointer } from "./snapshots/checkpointer.ts";
import { checkpointContext } from "./snapshots/snapshot-point.ts";
import { Snapshots } from "./snapshots/snapshots.ts";
import { Ticker } from "./ticker.ts";

/** The first node of every cluster. */
export const founder = asNode(1);

export interface RunningNode {
  readonly port: number;
  readonly peerPort: number;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Hands leadership over, answers what is under way, writes a checkpoint, gives everything back. */
  close(): Promise<void>;
}

/** A successor has to be found within about two election timeouts, or the others elect one. */
const handOverMs = 2 * electionTicksMin * tickMs;
const sweepTicks = sweepMs / tickMs;

/** All parts of a running node, wired. */
export class Node implements RunningNode {
  readonly #parts: NodeParts;
  readonly #network: PeerNetwork;
  readonly #replica: Replica;
  readonly #checkpointer: Checkpointer;
  readonly #snapshots: Snapshots;
  readonly #diskGuard: DiskGuard;
  #isAwake = false;
  /** A turn is at work, and in the end it writes the replies of all sessions. */
  #isTurning = false;
  /** The log takes no save any more. */
  #isOver = false;
  /** The entry that the newest checkpoint on disk ends with. */
  #checkpointIndex: number;
  readonly #ticker = new Ticker({
    tick: (count) => this.#tick(count),
    isHasty: () => this.#replica.driver.core.isHasty || this.#snapshots.isBusy,
    monotonicMs: () => performance.now(),
  });
  /** Since clients were looked after. */
  #ticks = 0;
  #everySecond: NodeJS.Timeout | undefined;
  #closed: Promise<void> | null = null;

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#checkpointIndex = parts.machine.appliedIndex;
    this.#network = this.#createNetwork();
    this.#replica = this.#createReplica();
    joinSettings(parts.runtime, this.#replica, parts.machine);
    this.#checkpointer = this.#createCheckpointer();
    this.#snapshots = this.#createSnapshots();
    this.#diskGuard = new DiskGuard({
      driver: this.#replica.driver,
      peers: this.#network,
      measure: () => parts.directory.space(),
      logger: parts.hooks.logger,
    });
    parts.clients.serve(this.#createService());
  }

  get port(): number {
    return this.#parts.runtime.current.port;
  }
  get peerPort(): number {
    return this.#network.port;
  }
  get clusterId(): string {
    return this.#parts.identity.clusterId;
  }
  get nodeId(): NodeId {
    return this.#parts.identity.nodeId;
  }

  /** Resolves when it serves. Rejects when it is stopped before that: then `abandon` it. */
  async start(): Promise<void> {
    const { runtime, clients } = this.#parts;
    await this.#network.listen();
    runtime.portsTaken(this.port, this.#network.port);
    this.#everySecond = setInterval(() => {
      this.#checkDisk();
      clients.stats.sample(diskCheckMs / 1000);
    }, diskCheckMs);
    this.#ticker.start();
    if (this.#isAlone) await this.#leadAlone();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Ends a node that does not serve yet: what it has is on disk, and nobody waits for it. */
  abandon(): Promise<void> {
    this.#closed ??= this.#abandon();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#handOver();
    await this.#replica.whenStill(); // A long write may take longer than the grace of its client.
    await this.#parts.clients.close(closeGraceMs);
    this.#stopClocks();
    await this.#checkpointer.run();
    await this.#giveBack();
  }

  async #abandon(): Promise<void> {
    await this.#parts.clients.close(closeGraceMs);
    this.#stopClocks();
    this.#isOver = true;
    await this.#checkpointer.alone(() => Promise.resolve()); // One may be under way.
    await this.#giveBack();
  }

  #stopClocks(): void {
    clearInterval(this.#everySecond);
    this.#ticker.stop();
  }

  async #giveBack(): Promise<void> {
    const { home, store, directory } = this.#parts;
    await this.#network.close();
    await this.#snapshots.close();
    this.#isOver = true;
    await store.close();
    await home.close();
    await directory.close();
  }

  /** A leader that just stops would cost the others an election timeout. */
  async #handOver(): Promise<void> {
    const { driver, membership } = this.#replica;
    const successor = driver.isLeader ? membership.bestSuccessor() : null;
    if (successor === null || driver.transfer(successor) !== null) return;
    for (let waited = 0; waited < handOverMs && driver.isLeader; waited += tickMs) {
      await sleep(tickMs);
    }
  }

  get #isAlone(): boolean {
    const { members } = this.#replica.driver.core.membership;
    return members.length === 1 && members[0]?.id === this.nodeId;
  }

  /** A cluster of one elects itself, and has its whole log applied before it serves anybody. */
  async #leadAlone(): Promise<void> {
    const { driver, machine } = this.#replica;
    const { loading, hooks } = this.#parts;
    driver.campaign();
    const { index } = driver.core.last;
    const from = machine.appliedIndex;
    loading.begin("applying the log");
    // A new cluster has its settings before it has clients.
    const hasSettings = (): boolean => machine.settings.record.version > 0;
    while (!driver.isLeader || machine.appliedIndex <= index || !hasSettings()) {
      hooks.stopping.throwIfAborted();
      loading.reach(Math.min(1, (machine.appliedIndex - from) / (index + 1 - from)));
      await sleep(1);
    }
  }

  /** Null until every port is bound: port 0 asks for any. */
  get #address(): MemberAddress | null {
    const { announce: host, port, peerPort } = this.#parts.runtime.current;
    if (port === 0 || peerPort === 0) return null;
    return {
      peer: formatEndpoint({ host, port: peerPort }),
      client: formatEndpoint({ host, port }),
    };
  }

  #tick(count: number): void {
    this.#replica.tick(count);
    this.#snapshots.tick();
    this.#reclaim();
    this.#ticks += count;
    if (this.#ticks < sweepTicks) return;
    this.#ticks = 0;
    this.#parts.clients.sweep();
  }

  /** What FLUSHALL has left behind goes by and by, also while nobody writes. */
  #reclaim(): void {
    const { keyspace } = this.#parts.machine;
    const untilMs = performance.now() + reclaimSliceMs;
    while (keyspace.reclaim(reclaimStepKeys) && performance.now() < untilMs);
  }

  #checkDisk(): void {
    this.#diskGuard.check().then(() => {
      if (this.#diskGuard.isLow) this.#cutLog();
    }, this.#parts.hooks.onFailure);
  }

  /** At the end of this turn of the event loop: everything that came in goes on together. */
  readonly #wake = (): void => {
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      if (this.#isOver) return;
      this.#isTurning = true;
      this.#replica.turn();
    });
  };

  #turned(): void {
    this.#isTurning = false;
    this.#ticker.hasten();
    this.#parts.clients.flush();
  }

  #createNetwork(): PeerNetwork {
    const { runtime, hooks, identity } = this.#parts;
    const { bind, peerPort, peerSecret } = runtime.current;
    const { clusterId, nodeId, incarnation } = identity;
    return new PeerNetwork({
      ...{ clusterId, nodeId, incarnation, secret: peerSecret },
      ...{ bind, port: peerPort, logger: hooks.logger },
      hasRemoved: (peer) => this.#replica.membership.hasRemoved(peer),
      handlers: {
        frame: (from, kind, body) => this.#frame(from, kind, body),
        connected: (peer) => {
          this.#snapshots.connected(peer);
          this.#replica.connected(peer);
        },
        removed: (by) => this.#replica.removed(by),
        disconnected: (peer, isGone) => {
          this.#diskGuard.disconnected(peer);
          this.#replica.disconnected(peer, isGone);
        },
      },
    });
  }

  #createReplica(): Replica {
    const { runtime, identity, machine, store, hooks } = this.#parts;
    const { clusterId, nodeId, incarnation } = identity;
    const random = Math.random;
    const core = createRaft({
      id: nodeId,
      hardState: store.hardState,
      applied: asIndex(machine.appliedIndex),
      log: store,
      ...{ heartbeatTicks, electionTicks: electionTicksMin, random },
      patient: runtime.current.leases,
      ...{ appendBytesMax, inflightMessagesMax, inflightBytesMax },
    });
    return new Replica({
      ...{ clusterId, nodeId, incarnation, core, store, machine },
      peers: this.#network,
      address: () => this.#address,
      mayLead: (member) => this.#diskGuard.hasSpace(member),
      invited: identity.peers,
      logger: hooks.logger,
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      lease: runtime.current.leases ? { ms: leaseMs, monotonicMs: () => performance.now() } : null,
      random,
      wake: this.#wake,
      answered: () => this.#parts.clients.writeReplies(),
      turned: () => this.#turned(),
      applied: (bytes) => this.#checkpointer.applied(bytes),
      onFailure: hooks.onFailure,
      ...ownSettings(runtime),
      snapshots: {
        begin: (to) => this.#snapshots.begin(to),
        install: (point, done) => this.#snapshots.install(point, done),
        leaderChanged: () => this.#snapshots.leaderChanged(),
      },
    });
  }

  #createCheckpointer(): Checkpointer {
    const { runtime, machine, home, store, hooks, logShareBytes } = this.#parts;
    return new Checkpointer({
      machine,
      store: () => home.store,
      whenStill: () => this.#replica.whenStill(),
      logBytes: () => Math.min(runtime.current.checkpointLogBytes, logShareBytes),
      context: () => {
        const index = asIndex(machine.appliedIndex);
        return checkpointContext(store.term(index) ?? 0, store.membershipAt(index) ?? noMembership);
      },
      written: (appliedIndex) => {
        this.#checkpointIndex = appliedIndex;
        this.#cutLog();
      },
      logger: hooks.logger,
      nowMs: Date.now,
      onFailure: hooks.onFailure,
    });
  }

  /**
   * What a checkpoint on disk holds may go; the last part of it stays for members that were away, unless the
   * disk is nearly full: they can get a snapshot, and a full disk ends this node.
   */
  #cutLog(): void {
    const { store, runtime, logShareBytes } = this.#parts;
    const index = Math.min(this.#checkpointIndex, this.#snapshots.oldestIndex);
    const { retainedLogBytes } = runtime.current;
    const retained = this.#diskGuard.isLow ? 0 : Math.min(retainedLogBytes, logShareBytes);
    store.cutBefore(asIndex(index), retained);
  }

  #createSnapshots(): Snapshots {
    const { identity, machine, home, store, hooks } = this.#parts;
    const { driver } = this.#replica;
    return new Snapshots({
      nodeId: identity.nodeId,
      incarnation: identity.incarnation,
      peers: this.#network,
      ...{ driver, machine, createMachine, home, log: store },
      alone: (work) => this.#checkpointer.alone(work),
      whenStill: () => this.#replica.whenStill(),
      nowMs: () => performance.now(),
      logger: hooks.logger,
      onFailure: hooks.onFailure,
    });
  }

  #frame(from: NodeId, kind: number, body: Buffer): void {
    this.#ticker.catchUp();
    if (kind === frameKind.snapshot) this.#snapshots.frame(from, body);
    else if (kind === frameKind.snapshotReply) this.#snapshots.reply(from, body);
    else if (kind === frameKind.diskSpace) this.#diskGuard.told(from, body);
    else this.#replica.frame(from, kind, body);
  }

  /** Where the requests of clients go from now on. */
  #createService(): Service {
    const replica = this.#replica;
    const diskGuard = this.#diskGuard;
    return {
      get isFull() {
        return replica.isFull;
      },
      get writesRefused() {
        return diskGuard.refusesWrites ? errors.diskFull : null;
      },
      raft: new ReplicaAdmin(this.#parts.identity, replica, (member) =>
        this.#snapshots.percent(member),
      ),
      checkpointer: this.#checkpointer,
      write: (waiter, source, start, end) => replica.write(waiter, source, start, end),
      read: (waiter, command, args, locally) => replica.read(waiter, command, args, locally),
      setActiveExpiry: (active) => {
        replica.time.expiry.isActive = active;
      },
      wake: () => {
        if (!this.#isTurning) this.#wake();
      },
    };
  }
}

const noMembership = { index: 0, membership: { members: [], nextId: founder } };

/** Its hash seed differs from node to node and from start to start: see KeyHasher. */
export function createMachine(): Machine {
  return new Machine({ commands, hashSeed: randomBytes(4).readUInt32LE() });
}
