// One simulated node: the program's own parts over a simulated disk, network and clock.

import { frameKind } from "../../src/node/frames.ts";
import type { MemberAddress } from "../../src/node/members/member-address.ts";
import { checkpointContext } from "../../src/node/snapshots/snapshot-point.ts";
import { asIndex, asNode, type NodeId } from "../../src/raft/core/types.ts";
import type { CheckpointContext } from "../../src/state/checkpoint/meta.ts";
import { Chance } from "./chance.ts";
import { CheckpointDisk } from "./checkpoint-disk.ts";
import { addressOf } from "./founding.ts";
import type { Host } from "./link.ts";
import { NodeClock } from "./node-clock.ts";
import { BrokenDisk, NodeDisk } from "./node-disk.ts";
import { DamagedLog, openParts, wireParts } from "./node-parts.ts";
import { NodeTicks } from "./node-ticks.ts";
import type { Running, SimulatedProcess, Surroundings, Tenant } from "./parts.ts";
import { SimulatedHome } from "./simulated-home.ts";
import { ensure, type World } from "./world.ts";

/** A turn that asks for another turn again and again does not come to rest. */
const turnsMax = 1_000;
/** From a turn that leaves work half done to the next one. */
const sliceUs = 200;

export class SimulatedNode implements Host, SimulatedProcess {
  readonly id: NodeId;
  readonly tenants = new Set<Tenant>();
  readonly checkpoints: CheckpointDisk;
  readonly around: Surroundings;
  readonly world: World;
  readonly chance: Chance;
  readonly home: SimulatedHome;
  readonly disk: NodeDisk;
  readonly clock: NodeClock;
  incarnation = 0;
  /** Where it was admitted, or was from the beginning; null while it stands by. */
  joinedAs: MemberAddress | null = null;
  /** An operator was told that it is removed. */
  isGone = false;
  invited: ReadonlyMap<NodeId, string> = new Map();
  isRetired = false;
  #running: Running | null = null;
  /** Counts the processes: events of an earlier one are void. */
  #life = 0;
  /** The process exists: it runs, or is on its way to. */
  exists = false;
  isPaused = false;
  /** It has refused to start from its damaged log, and stays away. */
  isLost = false;
  /** Crashes of its own accord are over in the second phase. */
  mayCrash = true;
  /** When its state was replaced by a snapshot last, in microseconds. */
  installedAt = -1;
  /** Since when the process has known of no leader, in microseconds; infinite while it knows one. */
  leaderlessSince = Number.POSITIVE_INFINITY;
  #waiting: (() => void)[] = [];
  #wantsTurn = false;
  #turnPlanned = false;
  #isAtWork = false;
  readonly #timer = new NodeTicks(this);

  constructor(id: number, around: Surroundings) {
    this.id = asNode(id);
    this.around = around;
    this.world = around.world;
    const { seed } = this.world.plan;
    this.chance = new Chance(seed, `node ${id}`);
    this.clock = new NodeClock(this.world.timeline, this.world.plan.clocks[id - 1]);
    this.disk = new NodeDisk(id, this.world, (delay, complete) => {
      this.#later(delay, () => this.#diskDone(complete));
    });
    this.checkpoints = new CheckpointDisk({
      world: this.world,
      later: (delay, act) => this.#later(delay, act),
      begins: () => this.#checkpointBegins(),
      written: (appliedIndex) => this.#cutLog(appliedIndex),
    });
    if (id <= this.world.plan.founders) this.joinedAs = addressOf(id);
    this.home = new SimulatedHome(this.checkpoints, this.disk.wait, () => this.#crashSometimes());
  }

  get address(): MemberAddress | null {
    const { founders, nodes } = this.world.plan;
    return founders < nodes ? this.joinedAs : null;
  }
  get isRemoved(): boolean {
    return this.#running?.replica.membership.isRemoved ?? false;
  }
  get isUp(): boolean {
    return this.#running !== null;
  }
  get running(): Running {
    ensure(this.#running !== null, "simulation", () => `node ${this.id} runs`);
    return this.#running;
  }
  get isLeader(): boolean {
    return this.#running?.replica.driver.isLeader ?? false;
  }
  get nowMs(): () => number {
    return this.clock.nowMs;
  }
  get monotonicMs(): () => number {
    return this.clock.monotonicMs;
  }

  /** The state was replaced by that of a snapshot. */
  installed(): void {
    this.installedAt = this.world.timeline.now;
    this.world.marks.met("snapshot installed");
    this.around.watcher.installed(this, this.running.machine);
  }

  retired(): void {
    this.isRetired = true;
    this.world.marks.met("removed node retired");
  }

  /** The cluster has let it in, under its id. */
  join(address: MemberAddress, peers: readonly (readonly [number, string])[]): void {
    this.joinedAs = address;
    const others = peers.filter(([id]) => id !== this.id);
    this.invited = new Map(others.map(([id, peer]) => [asNode(id), peer]));
  }

  /** A turn is wanted; what promises ask for outside of an event gets an event of its own. */
  wake(): void {
    this.#wantsTurn = true;
    if (this.#isAtWork || this.#turnPlanned) return;
    this.#turnPlanned = true;
    this.#later(0, () => {
      this.#turnPlanned = false;
    });
  }

  leaderKnown(isKnown: boolean): void {
    if (isKnown) this.leaderlessSince = Number.POSITIVE_INFINITY;
    else this.leaderlessSince = Math.min(this.leaderlessSince, this.world.timeline.now);
  }

  // --- The process -------------------------------------------------------------------------------

  start(): void {
    if (this.exists || this.isLost || this.joinedAs === null) return;
    this.exists = true;
    this.isRetired = false;
    this.#life += 1;
    this.incarnation += 1;
    this.world.trace.note(this.id, "starts, incarnation %x", this.incarnation);
    this.world.wantsDrain = true;
    const life = this.#life;
    this.#open(life).catch((error: unknown) => {
      if (life !== this.#life) return;
      // A node that cannot read its disk does not start.
      if (error instanceof BrokenDisk) this.end(false);
      else if (error instanceof DamagedLog && this.disk.rot !== "none") this.#lose(error);
      else this.world.fail(error);
    });
  }

  /** What was not synced is lost, in pieces; with the power also what the system had not written. */
  end(powerToo: boolean): void {
    if (!this.exists) return;
    this.world.trace.note(this.id, powerToo ? "loses its power" : "is killed");
    this.exists = false;
    this.#life += 1;
    this.#running = null;
    this.isPaused = false;
    this.#waiting = [];
    this.#wantsTurn = false;
    this.#turnPlanned = false;
    this.disk.end(powerToo);
    this.checkpoints.end();
    this.around.network().ended(this.id, powerToo);
    this.around.watcher.ended(this);
    for (const tenant of [...this.tenants]) tenant.ended();
    // In the second phase: an operation that was refused before the disk was repaired has ended it.
    if (!this.mayCrash) this.world.timeline.after(1_000, () => this.start());
  }

  /** A bit of its log was flipped, and it says so: nobody may believe it any more. */
  #lose({ message }: DamagedLog): void {
    this.world.marks.met("damaged log refused");
    this.world.trace.note(this.id, `refuses to start: ${message}`);
    this.isLost = true;
    this.end(false);
  }

  /** Nothing of the process runs, and time passes. */
  pause(): void {
    if (this.exists) this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.#waiting.length > 0) this.world.marks.met("node paused with requests waiting");
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) this.event(act);
  }

  /** Everything that reaches the process comes this way. */
  event(act: () => void): void {
    if (!this.exists) return;
    if (this.isPaused) {
      this.#waiting.push(act);
      return;
    }
    this.#isAtWork = true;
    act();
    this.#isAtWork = false;
    if (this.#running === null) return;
    if (this.#wantsTurn) this.#turnSoon();
    this.around.watcher.after(this);
  }

  /** An event of this process; void when it is gone by then. */
  #later(delay: number, act: () => void): void {
    const life = this.#life;
    this.world.timeline.after(delay, () => {
      if (life === this.#life) {
        this.event(() => {
          if (life === this.#life) act();
        });
      }
    });
  }

  // --- The disk ----------------------------------------------------------------------------------

  #diskDone(complete: () => void): void {
    this.world.steps += 1;
    this.world.trace.note(this.id, "disk");
    this.world.wantsDrain = true;
    complete();
  }

  /** A snapshot takes the place of the state now: half of it is on disk. */
  #crashSometimes(): void {
    const { plan, timeline } = this.world;
    if (!this.mayCrash || !this.chance.happens(plan.installCrashes)) return;
    this.#later(this.chance.below(2 * plan.disk.latencyMeanUs), () => {
      if (!this.mayCrash) return;
      this.end(this.chance.happens(0.5));
      timeline.after(this.chance.between(1_000, 500_000), () => this.start());
    });
  }

  #checkpointBegins(): CheckpointContext {
    const { machine, log } = this.running;
    this.around.watcher.checkpointBegins(this, machine);
    const index = asIndex(machine.appliedIndex);
    const at = log.membershipAt(index);
    ensure(at !== null, "11 membership", () => `node ${this.id} knows no membership`);
    return checkpointContext(log.term(index) ?? 0, at);
  }

  async #open(life: number): Promise<void> {
    const { log, machine } = await openParts(this, this.disk.files, () => {
      if (life === this.#life) this.end(false);
    });
    if (life !== this.#life) return;
    this.disk.opened();
    const { bait, watcher, network } = this.around;
    bait.opened?.({ log, machine, nowMs: this.nowMs });
    watcher.opened(this, log, machine);
    const running = wireParts(this, log, machine);
    this.#running = running;
    this.leaderlessSince = this.world.timeline.now;
    bait.replica?.(running.replica, machine);
    watcher.watch(this, running);
    this.world.trace.note(
      this.id,
      "serves: %x entries, %y applied",
      log.lastIndex,
      machine.appliedIndex,
    );
    network().started(this.id, this.#knownAtFirst);
    this.#timer.begin();
  }

  /** A founder knows the others; whom else there is its log will tell. */
  get #knownAtFirst(): ReadonlySet<number> {
    if (this.invited.size > 0) return new Set<number>(this.invited.keys());
    return new Set(Array.from({ length: this.world.plan.founders }, (_, at) => at + 1));
  }

  /** As a node does: the entry that the checkpoint ends with stays, for the log has to know its term. */
  #cutLog(appliedIndex: number): void {
    const { log, snapshots } = this.running;
    const { keepsEntries } = this.world.plan;
    const upTo = Math.min(appliedIndex, snapshots.oldestIndex) - keepsEntries;
    const before = log.firstIndex;
    if (upTo > before) log.cutBefore(asIndex(upTo));
    if (log.firstIndex > before) this.world.marks.met("log cut");
  }

  // --- Turns -------------------------------------------------------------------------------------

  #turnSoon(): void {
    const { turnDelayUs } = this.world.plan;
    if (turnDelayUs === 0) this.#turn();
    else if (!this.#turnPlanned) {
      this.#turnPlanned = true;
      this.#later(turnDelayUs, () => {
        this.#turnPlanned = false;
        this.#turn();
      });
    }
  }

  #turn(): void {
    for (let turns = 0; this.#wantsTurn && this.#running !== null; turns += 1) {
      ensure(turns < turnsMax, "bounds", () => `node ${this.id} comes to rest`);
      this.#wantsTurn = false;
      this.#isAtWork = true;
      this.#running.replica.turn();
      this.#isAtWork = false;
      // What it has left half done goes on in a later turn: frames and disks get theirs in between.
      if (this.#running?.replica.standsStill) {
        this.#later(sliceUs, () => {});
        return;
      }
    }
  }

  // --- Frames of other nodes ---------------------------------------------------------------------

  frame(from: number, kind: number, body: Buffer): void {
    const peer = asNode(from);
    this.event(() => {
      if (this.#running === null) return;
      const { replica, snapshots, room } = this.#running;
      if (kind === frameKind.snapshot) this.#drained(() => snapshots.frame(peer, body));
      else if (kind === frameKind.snapshotReply) this.#drained(() => snapshots.reply(peer, body));
      else if (kind === frameKind.room) room.told(peer, body);
      else replica.frame(peer, kind, body);
    });
  }

  connected(peer: number): void {
    this.event(() => {
      this.#running?.replica.connected(asNode(peer));
      this.#drained(() => this.#running?.snapshots.connected(asNode(peer)));
    });
  }

  disconnected(peer: number, refused: boolean): void {
    this.event(() => {
      this.#running?.room.disconnected(asNode(peer));
      this.#running?.replica.disconnected(asNode(peer), refused);
    });
  }

  hasRemoved(peer: number): boolean {
    return this.#running?.replica.membership.hasRemoved(asNode(peer)) ?? false;
  }

  removed(by: number): void {
    this.event(() => this.#running?.replica.removed(asNode(by)));
  }

  /** Work that goes on in promises. */
  #drained(work: () => void): void {
    this.world.wantsDrain = true;
    work();
  }
}
