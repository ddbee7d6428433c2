// Whole nodes without sockets and files, in one thread and virtual time: replicas over memory logs.

import {
  appendBytesMax,
  electionTicksMin,
  heartbeatTicks,
  inflightBytesMax,
  inflightMessagesMax,
  tickMs,
} from "../../src/constants.ts";
import { createLogger } from "../../src/logger.ts";
import type { Waiter } from "../../src/net/clients/waiter.ts";
import { encodeAddress, type MemberAddress } from "../../src/node/members/member-address.ts";
import { Replica } from "../../src/node/replica/replica.ts";
import { defaultLimits, type ReplicaLimits } from "../../src/node/replica/replica-limits.ts";
import type { OwnSettings } from "../../src/node/replica/settings-desk.ts";
import { foundingEntry } from "../../src/raft/core/membership.ts";
import { createRaft } from "../../src/raft/core/raft.ts";
import { asIndex, asNode, asTerm, type NodeId } from "../../src/raft/core/types.ts";
import type { Reply } from "../../src/resp/reply.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import { word } from "../../src/state/parse/arguments.ts";
import { SeededRandom } from "../../src/state/random.ts";
import { MemoryLog } from "./memory-log.ts";

/** No test makes the nodes exchange nearly as many messages without time passing. */
const stepsMax = 5_000;

const epochMs = 1_700_000_000_000;

/** What a test makes smaller than it is. */
export interface ClusterSettings {
  /** What each node knows of its memory and configuration; by default it says nothing of either. */
  readonly own?: (id: number) => OwnSettings;
  readonly limits?: Partial<ReplicaLimits>;
  readonly appendBytesMax?: number;
  readonly inflightMessagesMax?: number;
}

export interface Frame {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly kind: number;
  readonly body: Buffer;
}

export class VirtualNode {
  readonly id: NodeId;
  log = new MemoryLog({ flushOn: "call" });
  readonly cluster: ReplicaCluster;
  incarnation = 0;
  /** Where it listens, when that is told; and whom it dials where. */
  address: MemberAddress | null = null;
  dials: ReadonlyMap<NodeId, string> = new Map();
  /** The peers that its invitation names, in its first life. */
  invited: ReadonlyMap<NodeId, string> = new Map();
  replica!: Replica;
  machine!: Machine;
  isUp = false;
  /** What its wall clock says more than the true time. */
  wallOffsetMs = 0;
  /** By which share of the true time its wall clock goes faster. */
  wallDrift = 0;
  /** Why its process would have ended. */
  failure: Error | null = null;
  wantsTurn = false;

  constructor(id: number, cluster: ReplicaCluster) {
    this.id = asNode(id);
    this.cluster = cluster;
  }

  start(): void {
    this.isUp = true;
    this.incarnation++;
    this.machine = new Machine({ commands });
    const { cluster, id, log } = this;
    const random = (): number => cluster.random.next();
    const core = createRaft({
      id,
      hardState: log.hardState,
      applied: asIndex(0),
      log,
      heartbeatTicks,
      electionTicks: electionTicksMin,
      appendBytesMax: cluster.settings.appendBytesMax ?? appendBytesMax,
      inflightMessagesMax: cluster.settings.inflightMessagesMax ?? inflightMessagesMax,
      inflightBytesMax,
      random,
    });
    this.replica = new Replica({
      clusterId: "test",
      nodeId: id,
      incarnation: this.incarnation,
      core,
      store: log,
      machine: this.machine,
      peers: {
        setPeers: (peers) => {
          this.dials = peers;
        },
        send: (to, kind, body) => cluster.send({ from: id, to, kind, body: Buffer.concat(body) }),
        flush: () => {},
      },
      address: () => this.address,
      invited: this.invited,
      logger: createLogger("silent"),
      nowMs: () => cluster.nowMs + this.wallOffsetMs + this.wallDrift * cluster.passedMs,
      monotonicMs: () => cluster.nowMs,
      sliceClockMs: () => cluster.monotonicMs(),
      random,
      wake: () => {
        this.wantsTurn = true;
      },
      turned: () => {},
      limits: { ...defaultLimits, ...cluster.settings.limits },
      settings: cluster.settings.own?.(id) ?? null,
      applied: () => {},
      onFailure: (error) => {
        this.failure = error;
      },
      snapshots: {
        begin: () => {},
        install: () => {},
        leaderChanged: () => {},
      },
    });
  }

  /** The disk completes what is in flight, and a turn runs if one is wanted. False: neither. */
  work(): boolean {
    const { saving } = this.log;
    if (saving) this.log.flush();
    if (!this.wantsTurn) return saving;
    this.wantsTurn = false;
    this.replica.turn();
    return true;
  }

  /** What was not flushed is lost; whoever waits for a reply waits in vain. */
  crash(): void {
    this.isUp = false;
    this.log.crash();
  }

  /** While it is down its disk loses so many of its last entries, acknowledged or not. */
  loseEntries(count: number): void {
    const { hardState, lastIndex } = this.log;
    const entries = this.log.slice(asIndex(1), asIndex(lastIndex - count), Number.MAX_SAFE_INTEGER);
    this.log = new MemoryLog({ flushOn: "call" });
    this.log.save({ hardState, entries }, () => {});
    this.log.flush();
  }
}

export class ReplicaCluster {
  readonly random: SeededRandom;
  readonly nodes: VirtualNode[] = [];
  /** Frames that may travel: by default all. */
  passes: (frame: Frame) => boolean = () => true;
  nowMs = epochMs;
  /** How much time work takes: so many ms pass between two looks at the clock of a turn. */
  workMs = 0;
  #workedMs = 0;
  #frames: Frame[] = [];

  readonly settings: ClusterSettings;

  constructor(size: number, seed = 1, settings: ClusterSettings = {}) {
    this.settings = settings;
    this.random = new SeededRandom();
    this.random.seed(seed, 0);
    for (let id = 1; id <= size; id++) this.nodes.push(new VirtualNode(id, this));
    const members = this.nodes.map(({ id }) => ({
      id,
      voter: true,
      address: encodeAddress({ peer: `127.0.0.1:1700${id}`, client: `127.0.0.1:700${id}` }),
    }));
    for (const node of this.nodes) {
      const entries = [foundingEntry({ members, nextId: asNode(size + 1) })];
      node.log.save({ hardState: { term: asTerm(1), votedFor: null }, entries }, () => {});
      node.log.flush();
      node.start();
    }
  }

  node(id: number): VirtualNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  get leader(): VirtualNode | undefined {
    const leaders = this.nodes.filter(({ isUp, replica }) => isUp && replica.driver.isLeader);
    return leaders.toSorted((a, b) => b.replica.driver.core.term - a.replica.driver.core.term)[0];
  }

  get passedMs(): number {
    return this.nowMs - epochMs;
  }

  monotonicMs(): number {
    this.#workedMs += this.workMs;
    return this.nowMs + this.#workedMs;
  }

  send(frame: Frame): boolean {
    this.#frames.push(frame);
    return true;
  }

  /** Everything that can happen without time passing, disks included; it must come to rest. */
  settle(): void {
    for (let steps = 0; this.step(); steps++) {
      if (steps > stepsMax) throw new Error("the nodes do not come to rest");
    }
  }

  /** One round: disks, turns, then what the nodes have sent. False when nothing happened. */
  step(): boolean {
    let busy = false;
    for (const node of this.nodes) if (node.isUp) busy = node.work() || busy;
    const frames = this.#frames;
    this.#frames = [];
    for (const frame of frames) {
      const to = this.nodes.find(({ id }) => id === frame.to);
      if (to?.isUp && this.passes(frame)) to.replica.frame(frame.from, frame.kind, frame.body);
    }
    return busy || frames.length > 0;
  }

  run(ms: number): void {
    for (let passed = 0; passed < ms; passed += tickMs) {
      this.nowMs += tickMs;
      for (const node of this.nodes) if (node.isUp) node.replica.tick();
      this.settle();
    }
  }

  /** Time passes until somebody leads and everybody who is up knows it. */
  elect(): VirtualNode {
    for (let waited = 0; waited < 20_000; waited += 100) {
      this.run(100);
      const { leader } = this;
      const up = this.nodes.filter(({ isUp }) => isUp);
      if (leader && up.every(({ replica }) => replica.leader === leader.id)) return leader;
    }
    throw new Error("no leader within 20 s of virtual time");
  }
}

export function stepUntil(cluster: ReplicaCluster, holds: () => boolean): void {
  for (let steps = 0; !holds(); steps++) {
    if (steps > 1_000) throw new Error("it does not come to pass");
    cluster.step();
  }
}

/** One turn of a node, and then everybody's clock moves on by the time that it took. */
export function workAndPass(cluster: ReplicaCluster, node: VirtualNode): void {
  const before = cluster.monotonicMs();
  node.work();
  const tookMs = cluster.monotonicMs() - before;
  const others = cluster.nodes.filter((each) => each !== node);
  for (let ms = 0; ms < tookMs; ms += tickMs) {
    cluster.nowMs += tickMs;
    for (const other of others) other.replica.tick();
    for (const other of others) other.work();
  }
  node.replica.tick();
  cluster.step();
}

/** A client of one node: sends commands, keeps the replies in order. */
export class VirtualClient implements Waiter {
  static #lastId = 0;
  readonly id = ++VirtualClient.#lastId;
  readonly database = 0;
  readonly protocol = 2;
  readonly replies: Reply[] = [];
  isGone = false;
  isFull = false;
  isCrowded = false;
  /** READONLY. */
  readsLocally = false;
  readonly #node: VirtualNode;

  constructor(node: VirtualNode) {
    this.#node = node;
  }

  reply(reply: Reply): void {
    this.replies.push(reply);
  }

  send(...words: readonly string[]): void {
    const command = commands.get(word(words, 0).toLowerCase());
    const { replica } = this.#node;
    if (command?.kind === "read") {
      replica.read(this, command, words, this.readsLocally);
      return;
    }
    const bytes = Buffer.from(
      `*${words.length}\r\n${words.map((each) => `$${each.length}\r\n${each}\r\n`).join("")}`,
      "latin1",
    );
    replica.write(this, bytes, 0, bytes.length);
  }
}
