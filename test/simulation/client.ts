// One client: a connection with the program's own session behind it, its requests, and what it was told.

import { leaderWaitMs, tickMs } from "../../src/constants.ts";
import { Session, type Wire } from "../../src/net/clients/session.ts";
import { errors } from "../../src/resp/errors.ts";
import type { Reply } from "../../src/resp/reply.ts";
import { RequestDecoder } from "../../src/resp/request-decoder.ts";
import { admittedLimits } from "../../src/resp/request-limits.ts";
import type { Operation, Outcome } from "../checking/history.ts";
import { Chance } from "./chance.ts";
import { type Asked, hostOf, inResp, isFullDisk, outcomeOf, record } from "./client-record.ts";
import type { SimulatedNode } from "./node.ts";
import type { Observer } from "./observer.ts";
import type { Tenant } from "./parts.ts";
import type { ClientPlan, Request } from "./workload.ts";
import { ensure, type World } from "./world.ts";

export interface ClientWorld {
  readonly world: World;
  readonly observer: Observer;
  readonly nodes: readonly SimulatedNode[];
  readonly history: Operation[];
}

const reconnectUs = 50_000;
/** Of a client that waits for its node to come back. */
const retryUs = 2_000;
/** Beyond it a node is not asked any more by one client. */
const outstandingMax = 16;
/** Beyond the drift that a plan gives to a clock. */
const slowest = 0.85;
/** Until everybody knows that a disk has space again, or is believed to. */
const fullKnownUs = 10_000_000;
/** Until a node has noticed that its disk completes operations again. */
const stallOverUs = 1_000_000;
const reads = new Set(["GET", "EXISTS"]);

export class SimulatedClient {
  readonly #around: ClientWorld;
  readonly #plan: ClientPlan;
  readonly #chance: Chance;
  #next = 0;
  #connection: Connection | null = null;
  #stopped = false;

  constructor(around: ClientWorld, plan: ClientPlan) {
    this.#around = around;
    this.#plan = plan;
    this.#chance = new Chance(around.world.plan.seed, `client ${plan.id}`);
  }

  get id(): number {
    return this.#plan.id;
  }
  get isWaiting(): boolean {
    return (this.#connection?.asked.length ?? 0) > 0;
  }

  begin(): void {
    this.#connect(this.#plan.node);
  }

  /** Asks the whole plan in one go. */
  askNow(): void {
    this.#connection?.ask(this.#take());
  }

  /** Asks nothing more; what is under way is still answered. */
  stop(): void {
    this.#stopped = true;
  }

  /** The end of the run: what has no answer by now has an unknown outcome. */
  close(): void {
    this.#connection?.abandon();
  }

  #connect(id: number): void {
    if (this.#stopped) return;
    const node = this.#around.nodes[id - 1];
    if (node === undefined || !node.isUp) {
      this.#connectElsewhere();
      return;
    }
    this.#connection = new Connection(this.#around, this, node);
    this.#nextLater();
  }

  #connectElsewhere(): void {
    if (this.#plan.isFaithful) {
      this.#around.world.timeline.after(retryUs, () => this.#connect(this.#plan.node));
      return;
    }
    this.#around.world.timeline.after(this.#chance.exponential(reconnectUs) + 1, () => {
      this.#connect(this.#chance.between(1, this.#around.nodes.length));
    });
  }

  #nextLater(): void {
    const request = this.#plan.requests[this.#next];
    if (request === undefined) return;
    const connection = this.#connection;
    this.#around.world.timeline.after(request.thinkUs, () => {
      if (connection === this.#connection && !this.#stopped) connection?.ask(this.#take());
    });
  }

  /** The next request, and those that follow it without waiting. */
  #take(): readonly Request[] {
    const { requests } = this.#plan;
    const taken: Request[] = [];
    for (;;) {
      const request = requests[this.#next];
      const isBehind = request !== undefined && request.thinkUs === 0;
      if (request === undefined || (taken.length > 0 && !isBehind)) return taken;
      if (taken.length >= outstandingMax) return taken;
      taken.push(request);
      this.#next += 1;
    }
  }

  answered(): void {
    this.#nextLater();
  }

  lost(): void {
    this.#connection = null;
    this.#connectElsewhere();
  }
}

/** A connection to one process of one node. */
class Connection implements Wire, Tenant {
  readonly decoder = new RequestDecoder({ ...admittedLimits });
  readonly fd = -1;
  readonly address = "127.0.0.1:50000";
  readonly localAddress = "127.0.0.1:7000";
  readonly outputBytes = 0;
  readonly isOutputFull = false;
  readonly isCrowded = false;
  readonly asked: Asked[] = [];
  readonly #around: ClientWorld;
  readonly #client: SimulatedClient;
  readonly #node: SimulatedNode;
  readonly #session: Session;
  #wantsPump = false;
  /** The node takes no more requests, and some of this connection may wait. */
  #isHeld = false;

  constructor(around: ClientWorld, client: SimulatedClient, node: SimulatedNode) {
    this.#around = around;
    this.#client = client;
    this.#node = node;
    this.#session = new Session(client.id, hostOf(node), this, true);
    node.tenants.add(this);
  }

  get awaitsRead(): boolean {
    return this.asked.some(({ request }) => reads.has(request.words[0] ?? ""));
  }

  ask(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    const { world, observer } = this.#around;
    if (requests.length > 1) world.marks.met("pipeline");
    const call = world.timeline.now;
    const { committed } = observer.log;
    for (const request of requests) {
      this.asked.push({ request, call, committed, node: this.#node.id });
    }
    const bytes = Buffer.from(requests.map(({ words }) => inResp(words)).join(""), "latin1");
    this.#node.event(() => {
      world.steps += requests.length;
      world.trace.note(
        this.#node.id,
        "client %x asks, request %y",
        this.#client.id,
        requests[0]?.id,
      );
      this.decoder.push(bytes);
      this.#pump();
    });
  }

  // --- The session's side -------------------------------------------------------------------------

  append(reply: Reply): void {
    const asked = this.asked.shift();
    ensure(asked !== undefined, "session", () => "a reply answers a request");
    const { world, observer, history } = this.#around;
    const kind = outcomeOf(reply);
    ensure(
      reply !== errors.outOfMemory,
      "14 eviction",
      () => "a write was refused, and there are victims",
    );
    if (kind === "info") world.marks.met("write with unknown outcome");
    if (kind === "fail" && !isFullDisk(reply)) world.marks.met("definite refusal without a leader");
    const { appliedIndex } = this.#node.running.machine;
    if (kind === "ok") {
      ensure(!this.#node.isRetired, "11 membership", () => "a removed node answers");
      const isRead = reads.has(asked.request.words[0] ?? "");
      ensure(!isRead || appliedIndex >= asked.committed, "10 reads", () => {
        return `a read sees ${appliedIndex} entries, ${asked.committed} were committed when it was asked`;
      });
      ensure(appliedIndex <= observer.log.committed, "9 acknowledged", () => {
        return `entry ${appliedIndex} is acknowledged and not committed`;
      });
    } else if (isFullDisk(reply)) this.#checkFullDisks();
    else this.#checkRefusal(asked, kind);
    world.trace.note(
      this.#node.id,
      `client %x gets ${kind} for request %y`,
      this.#client.id,
      asked.request.id,
    );
    history.push(record(asked, { client: this.#client.id, kind, reply, now: world.timeline.now }));
    if (this.asked.length > 0) return;
    if (this.#node.isRetired) this.#leave();
    else this.#client.answered();
  }

  /** Only when no majority has space, or had it until a short time ago. */
  #checkFullDisks(): void {
    const { world, nodes } = this.#around;
    world.marks.met("write refused for full disks");
    const voters = this.#node.running.core.membership.members.filter(({ voter }) => voter);
    const since = world.timeline.now - fullKnownUs;
    const full = voters.filter(({ id }) => nodes[id - 1]?.disk.wasFullSince(since) ?? false);
    ensure(full.length >= voters.length / 2, "9 refusals", () => {
      return `node ${this.#node.id} refuses writes, ${full.length} of ${voters.length} disks are full`;
    });
  }

  /** A removed node has told where it stands: another one will do better. */
  #leave(): void {
    this.#around.world.timeline.after(1, () => {
      this.ended();
    });
  }

  /** A node refuses only when it has known of no leader for long, by its own clock, which may be fast. */
  #checkRefusal({ call }: Asked, kind: Outcome): void {
    // A snapshot has passed the write: its effect is known, its reply is not.
    if (this.#node.isRetired) {
      this.#around.world.marks.met("client refused by a removed node");
      return;
    }
    if (kind === "info" && this.#node.installedAt >= call) {
      this.#around.world.marks.met("own write overtaken by a snapshot");
      return;
    }
    if (this.#diskHangs) return;
    const waitedMs = (this.#around.world.timeline.now - this.#node.leaderlessSince) / 1_000;
    ensure(waitedMs >= leaderWaitMs * slowest, "9 refusals", () => {
      return `client ${this.#client.id} is refused after ${waitedMs} ms without a leader`;
    });
  }

  /** A node whose save has waited for that long answers too: it cannot even say where its writes are. */
  get #diskHangs(): boolean {
    const { disk, running } = this.#node;
    const since = this.#around.world.timeline.now - stallOverUs;
    return running.core.savingTicks * tickMs >= leaderWaitMs && disk.wasStalledSince(since);
  }

  flushSoon(): void {
    this.#wantsPump = true;
  }

  destroy(): void {
    this.abandon();
  }

  turned(): void {
    if (!this.#wantsPump && !this.#isHeld) return;
    this.#wantsPump = false;
    if (this.asked.length > 0) this.#pump();
  }

  #pump(): void {
    const { isFull } = this.#node.running.replica;
    this.#session.pump();
    this.#isHeld = isFull || this.#node.running.replica.isFull;
  }

  ended(): void {
    this.abandon();
    this.#client.lost();
  }

  /** Nobody will tell what became of what was asked. */
  abandon(): void {
    this.#node.tenants.delete(this);
    this.#session.closed();
    for (const asked of this.asked.splice(0)) {
      const { history } = this.#around;
      history.push(
        record(asked, { client: this.#client.id, kind: "info", reply: null, now: null }),
      );
    }
  }
}
