// A whole cluster in one thread from one seed, watched from outside after every step.

import { assert } from "../../src/assert.ts";
import type { MembershipChange } from "../../src/raft/core/core.ts";
import type { Member, Message } from "../../src/raft/core/types.ts";
import { Chance } from "./raft-chance.ts";
import type { Marks } from "./raft-marks.ts";
import type { TestNode } from "./raft-node.ts";
import { World } from "./raft-world.ts";

const nodesMax = 7;

export class Simulation {
  readonly #chance: Chance;
  /** Of its own, so that what it decides moves nothing else in a seed. */
  readonly #usurpation: Chance;
  readonly #connections: Chance;
  readonly #marks: Marks;
  readonly #world: World;
  readonly #faults: readonly (() => void)[];
  readonly #compacts: boolean;
  readonly #trouble: number;
  #proposed = 0;

  constructor(seed: number, marks: Marks) {
    const chance = new Chance(seed);
    this.#chance = chance;
    this.#usurpation = new Chance(seed + 2 ** 31);
    this.#marks = marks;
    const voters = chance.coin(0.5) ? 3 : chance.coin(0.8) ? 5 : chance.coin(0.5) ? 1 : 2;
    this.#compacts = chance.coin(0.6);
    this.#trouble = chance.random();
    this.#connections = new Chance(seed + 2 ** 30);
    this.#world = new World(chance, this.#connections, marks);
    const faults = [
      () => (chance.coin(0.5) ? this.#partition() : this.#world.blocked.clear()),
      () => (this.#world.down.size === 0 || chance.coin(0.3) ? this.#crash() : this.#restart()),
      () => this.#change(),
      () => this.#transfer(),
      () => this.#unreachable(),
      () => this.#world.onNode((node) => this.#world.reportGone(node)),
      () => this.#leaderDies(),
      () => this.#leaderHangs(),
      // A clock that runs ahead: with luck an election while the old leader still leads.
      () => this.#world.onNode((node) => node.ticks(chance.below(30))),
      () => this.#world.onNode((node) => node.core.campaign()),
      () => this.#usurp(),
      () => this.#usurp(),
    ];
    this.#faults = faults.filter(() => chance.coin(0.75));
    for (let id = 1; id <= voters; id += 1) this.#world.add(id, voters);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) this.#step();
    this.#liveness();
  }

  #step(): void {
    const world = this.#world;
    const dice = this.#chance.random();
    if (world.blocked.size > 0 && this.#chance.coin(0.005)) world.blocked.clear();
    if (dice < 0.5 && world.hasMessages) world.deliver();
    else if (dice < 0.78) world.onNode((node) => node.core.tick());
    else if (dice < 0.87) this.#disk();
    else if (dice < 0.92) this.#propose();
    else if (dice < 0.94) this.#read();
    else if (dice < 0.97 && this.#compacts) this.#snapshots();
    else if (this.#chance.coin(this.#trouble))
      this.#faults[this.#chance.below(this.#faults.length)]?.();
  }

  #disk(): void {
    this.#world.onNode((node) => {
      const installs = node.saving?.snapshot != null;
      if (!installs || this.#chance.coin(0.1)) this.#world.finishSave(node);
    });
  }

  #snapshots(): void {
    const world = this.#world;
    const dice = this.#chance.random();
    if (dice < 0.25) world.onNode((node) => world.compact(node));
    else if (dice < 0.45) this.#leaveBehind();
    else if (dice < 0.75) world.deliverSnapshot();
    else if (dice < 0.8) this.#crashInstalling();
    else if (dice < 0.85) this.#sendUnasked();
    else world.endTransfer();
  }

  // --- Clients -----------------------------------------------------------------------------------

  #propose(): void {
    this.#world.onLeader((node) => {
      const count = 1 + this.#chance.below(4);
      const data = Array.from({ length: count }, () => {
        this.#proposed += 1;
        const padding = this.#connections.coin(0.2) ? ".".repeat(60) : "";
        return new TextEncoder().encode(`value ${this.#proposed}${padding}`);
      });
      node.core.propose(data);
    });
  }

  /** Everybody who believes to lead is asked, for one of them may be deposed. */
  #read(): void {
    for (const node of this.#world.nodes.values()) {
      if (this.#world.down.has(node.id)) continue;
      const id = node.core.readIndex();
      if (id === null) continue;
      this.#world.watcher.asks(node, id);
      this.#world.work(node);
    }
  }

  // --- Faults ------------------------------------------------------------------------------------

  #partition(): void {
    this.#world.blocked.clear();
    const ids = [...this.#world.nodes.keys()];
    const side = new Set(ids.filter(() => this.#chance.coin(0.4)));
    const oneWay = this.#chance.coin(0.3);
    for (const a of ids) {
      for (const b of ids) {
        if (side.has(a) === side.has(b)) continue;
        if (!oneWay || side.has(a)) this.#world.blocked.add(`${a}>${b}`);
      }
    }
  }

  #crash(): void {
    this.#world.onNode((node) => this.#world.crash(node));
  }

  /** The need is long past: whoever sends was slow to notice. */
  #sendUnasked(): void {
    this.#world.onLeader((leader) => {
      if (this.#chance.coin(0.5)) this.#world.compact(leader);
      const member = this.#chance.pick(leader.core.membership.members)?.id;
      const has = leader.checkpoint !== null && member !== undefined && member !== leader.id;
      if (has) this.#world.startTransfer(leader, member);
    });
  }

  #crashInstalling(): void {
    const nodes = [...this.#world.nodes.values()].filter(({ id }) => !this.#world.down.has(id));
    const node = this.#chance.pick(nodes.filter(({ saving }) => saving?.snapshot != null));
    if (node === undefined) return;
    this.#world.crash(node);
    this.#world.work(node);
  }

  /** The others go on without one member until the leader's log begins behind what it has. */
  #leaveBehind(): void {
    this.#world.onLeader((leader) => {
      const late = this.#chance.pick(leader.core.membership.members)?.id;
      if (late === undefined || late === leader.id) return;
      this.#cutOff(late);
      for (let times = 0; times < 3; times += 1) {
        leader.core.propose([new Uint8Array(4), new Uint8Array(5)]);
        this.#world.work(leader);
        this.#world.drain(40);
      }
      this.#world.compact(leader);
      this.#world.blocked.clear();
    });
  }

  /** The others see that its port is closed, some of them later than the next ticks. */
  #leaderDies(): void {
    this.#world.onLeader((leader) => {
      this.#world.crash(leader);
      this.#world.down.add(leader.id);
      for (let tick = 0; tick < 4; tick += 1) {
        for (const node of this.#world.nodes.values()) {
          if (this.#world.down.has(node.id)) continue;
          if (node.core.leader === leader.id && this.#chance.coin(0.6))
            this.#world.reportGone(node);
          node.core.tick();
          this.#world.work(node);
        }
        this.#world.drain(10);
      }
    });
  }

  /** Its save does not come back for some election timeouts; the others go on. */
  #leaderHangs(): void {
    const world = this.#world;
    world.onLeader((leader) => {
      world.hungDisk = leader.id;
      leader.core.propose([new Uint8Array(6)]);
      const ticks = this.#chance.below(4 * world.electionTicks);
      for (let tick = 0; tick < ticks; tick += 1) {
        for (const node of world.nodes.values()) {
          if (world.down.has(node.id)) continue;
          node.core.tick();
          world.work(node);
        }
        world.drain(20);
      }
      world.hungDisk = null;
    });
  }

  #restart(): void {
    const id = this.#chance.pick([...this.#world.down]);
    if (id !== undefined) this.#world.down.delete(id);
  }

  #change(): void {
    this.#world.onLeader((node) => {
      const { core } = node;
      const { members } = core.membership;
      const change = this.#anyChange(members);
      if (change === null) return;
      const pending = core.membershipPending;
      const outcome = core.proposeMembership(change);
      if (typeof outcome === "string") return;
      this.#marks.changes += 1;
      assert(!pending, "one change at a time");
      const own = this.#world.watcher.committed[core.commit - 1];
      assert(own?.term === core.term, "no change before an own entry is committed (thesis 4.1)");
      if (change.type === "addLearner") {
        this.#marks.learners += 1;
        const { nextId } = core.membership;
        if (!this.#world.nodes.has(nextId - 1)) this.#world.add(nextId - 1, 0);
      }
      if (change.type === "remove" && change.id === node.id) this.#marks.removedLeaders += 1;
    });
  }

  #anyChange(members: readonly Member[]): MembershipChange | null {
    const member = this.#chance.pick(members);
    if (member === undefined) return null;
    const address = `address ${this.#chance.random()}`;
    const room = members.length < 5 && this.#world.nodes.size < nodesMax;
    if (room && this.#chance.coin(0.6)) return { type: "addLearner", address };
    if (!member.voter) return { type: "promote", id: member.id };
    if (this.#chance.coin(0.2)) return { type: "setAddress", member: { ...member, address } };
    return { type: "remove", id: member.id };
  }

  #transfer(): void {
    this.#world.onLeader((node) => {
      const to = this.#chance.pick(node.core.membership.members)?.id;
      if (to !== undefined && node.core.transfer(to) === null) this.#marks.transfers += 1;
    });
  }

  /** The leader is cut off, goes on appending what nobody gets, and the others elect another. */
  #usurp(): void {
    this.#world.onLeader((leader) => {
      const late = this.#usurpation.coin(0.4) ? this.#answersOnTheirWay(leader) : [];
      const company = this.#usurpation.coin(0.4) ? learnersOf(leader) : [];
      const others = this.#cutOff(leader.id, company);
      leader.core.propose([new Uint8Array(2), new Uint8Array(3)]);
      this.#loseTheLeader(others);
      const heir = this.#chance.pick(others);
      if (heir === undefined || this.#world.down.has(heir)) return;
      this.#world.node(heir).core.campaign();
      this.#world.work(this.#world.node(heir));
      if (this.#chance.coin(0.5)) this.#read();
      this.#world.drain(30);
      if (this.#chance.coin(0.5)) this.#read();
      this.#world.arrive(late);
    });
    if (this.#chance.coin(0.5)) this.#change();
  }

  #loseTheLeader(followers: readonly number[]): void {
    for (const id of followers)
      if (!this.#world.down.has(id)) this.#world.node(id).ticks(this.#world.electionTicks);
  }

  /** The last answers to its heartbeats, which reach the leader when it leads no more and does not know. */
  #answersOnTheirWay(leader: TestNode): readonly Message[] {
    leader.core.tick();
    this.#world.work(leader);
    this.#world.drain(20);
    leader.core.tick();
    this.#world.work(leader);
    return this.#world.answersTo(leader.id);
  }

  /** Nobody hears `id` any more but its company, and mostly it hears nobody else; the others. */
  #cutOff(id: number, company: readonly number[] = []): readonly number[] {
    const others = [...this.#world.nodes.keys()].filter(
      (other) => other !== id && !company.includes(other),
    );
    this.#world.blocked.clear();
    for (const other of others) {
      this.#world.blocked.add(`${id}>${other}`);
      if (this.#chance.coin(0.7)) this.#world.blocked.add(`${other}>${id}`);
      for (const friend of company) {
        this.#world.blocked.add(`${friend}>${other}`);
        this.#world.blocked.add(`${other}>${friend}`);
      }
    }
    return others;
  }

  #unreachable(): void {
    this.#world.onLeader((node) => {
      const peer = this.#chance.pick(node.core.membership.members)?.id;
      if (peer !== undefined) this.#world.disconnect(node, peer);
    });
  }

  // --- The end: faults stop, and the cluster must come back -------------------------------------

  #liveness(): void {
    this.#world.heal();
    for (let round = 0; round < 400; round += 1) {
      for (const node of this.#world.nodes.values()) {
        node.core.tick();
        this.#world.work(node);
      }
      this.#world.drain();
      this.#world.drainSnapshots();
      if (round % 5 === 4 && this.#isLive()) {
        this.#marks.liveAgain += 1;
        return;
      }
    }
    const story = [...this.#world.nodes.values()].map(({ id, core }) => {
      const members = core.membership.members.map((m) => `${m.id}${m.voter ? "" : "L"}`);
      return `${id}:${core.role} t${core.term} ${core.last.term}/${core.last.index} c${core.commit} {${members}}`;
    });
    assert(false, `the cluster is live again once faults stop: ${story.join("; ")}`);
  }

  /** A leader whose newest entry everybody in its configuration has applied, and one more goes through. */
  #isLive(): boolean {
    const leader = this.#world.leaders.toSorted((a, b) => b.core.term - a.core.term)[0];
    if (leader === undefined) return false;
    // §8: without being asked for anything.
    if (leader.log.term(leader.core.commit) !== leader.core.term) return false;
    const index = leader.core.propose([new Uint8Array(1)])?.[0]?.index;
    if (index === undefined) return false;
    leader.core.readIndex();
    this.#world.watcher.asks(leader, leader.core.readIndex());
    const reads = this.#marks.reads;
    this.#world.work(leader);
    this.#world.drain();
    leader.ticks(2);
    this.#world.work(leader);
    this.#world.drain();
    const applied = (id: number) => this.#world.watcher.machines.get(id)?.index ?? 0;
    const { members } = leader.core.membership;
    return this.#marks.reads > reads && members.every(({ id }) => applied(id) >= index);
  }
}

function learnersOf({ core }: TestNode): readonly number[] {
  return core.membership.members.filter(({ voter }) => !voter).map(({ id }) => id);
}
