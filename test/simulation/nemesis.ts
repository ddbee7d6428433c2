// Carries out the faults of a plan, and takes them back when their time is over.

import { Chance } from "./chance.ts";
import { LeaseAttacks } from "./lease-attacks.ts";
import type { FaultKind } from "./marks.ts";
import type { Network } from "./network.ts";
import type { SimulatedNode } from "./node.ts";
import { Operator } from "./operator.ts";
import type { Fault } from "./plan.ts";
import { ReadAttacks } from "./read-attacks.ts";
import type { World } from "./world.ts";

/** Undoes a fault. */
type Relief = () => void;

/** The nodes, and who is hit; null when nobody can be. */
type Strike = (chance: Chance, fault: Fault) => Relief | null;

const nothing: Relief = () => {};

/** Faults that have to last for seconds, whatever the plan says of the others. */
const hangUsMin = 2_000_000;
const absenceUsMin = 2_000_000;
const absenceUsMax = 5_000_000;

export class Nemesis {
  readonly #world: World;
  readonly #nodes: readonly SimulatedNode[];
  readonly #network: Network;
  readonly #operator: Operator;
  readonly #attacks: LeaseAttacks;
  readonly #readAttacks: ReadAttacks;
  readonly #reliefs = new Set<Relief>();
  /** Directions that a fault blocks now; several may block the same. */
  readonly #blocks = new Map<string, number>();
  #over = false;

  constructor(world: World, nodes: readonly SimulatedNode[], network: Network) {
    this.#world = world;
    this.#nodes = nodes;
    this.#network = network;
    this.#attacks = new LeaseAttacks(world, nodes, network);
    this.#readAttacks = new ReadAttacks(world, nodes, network);
    this.#operator = new Operator(world, nodes);
    for (const fault of world.plan.faults) {
      world.timeline.at(fault.at, () => this.#begin(fault));
    }
  }

  /** No fault begins any more, and those that last are taken back. */
  end(): void {
    this.#over = true;
    this.#operator.end();
    this.#attacks.end();
    this.#readAttacks.end();
    for (const relief of [...this.#reliefs]) relief();
  }

  #begin(fault: Fault): void {
    if (this.#over) return;
    const chance = new Chance(fault.dice, fault.kind);
    const relief = this.#strikes[fault.kind](chance, fault);
    if (relief === null) return;
    this.#world.marks.fault(fault.kind);
    this.#world.trace.note(0, `fault %x: ${fault.kind} for %y us`, fault.id, fault.duration);
    this.#endAfter(fault.duration, () => {
      this.#world.trace.note(0, "fault %x ends", fault.id);
      relief();
    });
  }

  /** Or with the first phase, if that ends earlier. */
  #endAfter(duration: number, relief: Relief): void {
    const once = (): void => {
      if (this.#reliefs.delete(once)) relief();
    };
    this.#reliefs.add(once);
    this.#world.timeline.after(duration, once);
  }

  readonly #strikes: Readonly<Record<FaultKind, Strike>> = {
    kill: (chance) => this.#crash(chance, false),
    "power cut": (chance) => this.#crash(chance, true),
    "power cut everywhere": () => {
      const living = this.#nodes.filter(({ exists }) => exists);
      for (const node of living) node.end(true);
      return () => {
        for (const node of living) node.start();
      };
    },
    pause: (chance) => {
      const node = this.#anyNode(chance);
      if (node === null || node.isPaused) return null;
      node.pause();
      return () => node.resume();
    },
    "isolation of the leader": (chance) => {
      const leaders = this.#nodes.filter(({ isLeader }) => isLeader);
      return leaders.length === 0 ? null : this.#split([chance.pick(leaders)]);
    },
    isolation: (chance) => this.#split([chance.pick(this.#nodes)]),
    halves: (chance) => this.#split(this.#nodes.filter(() => chance.happens(0.5))),
    "one way": (chance) => {
      const [side, other] = this.#sides([chance.pick(this.#nodes)]);
      return chance.happens(0.5)
        ? this.#block(pairs(side, other))
        : this.#block(pairs(other, side));
    },
    bridge: (chance) => {
      const [middle, ...rest] = chance.shuffled(this.#nodes);
      if (middle === undefined || rest.length < 2) return null;
      const half = Math.ceil(rest.length / 2);
      return this.#block(bothWays(rest.slice(0, half), rest.slice(half)));
    },
    clog: (chance) => {
      const pair = this.#anyPair(chance);
      return pair === null ? null : this.#block([pair]);
    },
    reset: (chance) => {
      const pair = this.#anyPair(chance);
      if (pair === null) return null;
      this.#network.reset(pair[0].id, pair[1].id);
      return nothing;
    },
    "clock jump": (chance) => {
      const node = chance.pick(this.#nodes);
      const size = chance.pick([50, 1_000, 20_000]);
      node.clock.jumpedMs += chance.between(-size, size);
      return nothing;
    },
    "disk stall": (chance, { duration }) => {
      const node = this.#anyNode(chance);
      if (node === null) return null;
      node.disk.stalledUntil = this.#world.timeline.now + duration;
      return nothing;
    },
    "disk hang": (_, { duration }) => this.#hang(duration),
    "disk error": (chance, { duration }) => {
      const node = this.#anyNode(chance);
      if (node === null) return null;
      node.disk.break();
      return () => this.#world.timeline.after(duration, () => node.start());
    },
    absence: (chance) => this.#absence(chance),
    transfer: (chance) => {
      const leader = this.#nodes.find(({ isLeader, isPaused }) => isLeader && !isPaused);
      if (leader === undefined) return null;
      const to = chance.pick(this.#nodes).id;
      leader.event(() => leader.running.replica.driver.transfer(to));
      return nothing;
    },
    "disk full": (chance) => {
      const full = chance.shuffled(this.#nodes).slice(0, chance.between(1, this.#nodes.length));
      for (const { disk } of full) disk.fill();
      return () => {
        for (const { disk } of full) disk.free();
      };
    },
    "bit rot": (chance) => this.#rot(chance),
    "attack on a lease": (chance) => (this.#attacks.begin(chance) ? nothing : null),
    "attack on a reader": (chance) => (this.#readAttacks.begin(chance) ? nothing : null),
    add: (chance) => (this.#operator.add(chance) ? nothing : null),
    remove: (chance) => (this.#operator.remove(chance) ? nothing : null),
    replace: (chance, { dice }) => {
      const addAnother = (): void => {
        this.#operator.add(new Chance(dice, "another"));
      };
      return this.#operator.remove(chance, addAnother) ? nothing : null;
    },
  };

  /** For seconds the leader's disk completes nothing, and nobody says so. */
  #hang(duration: number): Relief | null {
    const leader = this.#nodes.find(({ isLeader, isPaused }) => isLeader && !isPaused);
    if (leader === undefined) return null;
    const until = this.#world.timeline.now + Math.max(duration, hangUsMin);
    leader.disk.stalledUntil = Math.max(leader.disk.stalledUntil, until);
    return nothing;
  }

  /** A follower is down, or cut off, for so long that the others' logs go on without it. */
  #absence(chance: Chance): Relief | null {
    const node = chance.pick(this.#nodes);
    if (!node.exists || node.isLeader) return null;
    const length = chance.between(absenceUsMin, absenceUsMax);
    if (chance.happens(0.5)) {
      node.end(chance.happens(0.5));
      this.#world.timeline.after(length, () => node.start());
      return nothing;
    }
    const relief = this.#split([node]);
    if (relief !== null) this.#endAfter(length, relief);
    return nothing;
  }

  #crash(chance: Chance, powerToo: boolean): Relief | null {
    const node = this.#anyNode(chance);
    if (node === null) return null;
    node.end(powerToo);
    return () => node.start();
  }

  /** While a node is down one bit of its log is flipped: once on each of a minority of the disks. */
  #rot(chance: Chance): Relief | null {
    const sound = this.#nodes.filter(({ disk }) => disk.rot === "none");
    if (sound.length - 1 <= this.#nodes.length / 2) return null;
    const down = sound.filter(({ exists }) => !exists);
    const node = chance.pick(down.length > 0 ? down : sound);
    node.end(chance.happens(0.5));
    const place = node.disk.flip(chance);
    if (place !== null) this.#world.trace.note(node.id, `${place} is flipped`);
    return () => node.start();
  }

  /** A node whose process exists; leaders are hit more often than their share. */
  #anyNode(chance: Chance): SimulatedNode | null {
    const living = this.#nodes.filter(({ exists }) => exists);
    const leader = living.find(({ isLeader }) => isLeader);
    if (leader !== undefined && chance.happens(0.4)) return leader;
    return living.length === 0 ? null : chance.pick(living);
  }

  #anyPair(chance: Chance): readonly [SimulatedNode, SimulatedNode] | null {
    const [from, to] = chance.shuffled(this.#nodes);
    return from === undefined || to === undefined ? null : [from, to];
  }

  #sides(side: readonly SimulatedNode[]): [readonly SimulatedNode[], readonly SimulatedNode[]] {
    return [side, this.#nodes.filter((node) => !side.includes(node))];
  }

  #split(side: readonly SimulatedNode[]): Relief | null {
    return this.#block(bothWays(...this.#sides(side)));
  }

  #block(directions: readonly Pair[]): Relief | null {
    if (directions.length === 0) return null;
    for (const [from, to] of directions) {
      this.#count(from, to, 1);
      this.#network.block(from.id, to.id);
    }
    return () => {
      for (const [from, to] of directions) {
        if (this.#count(from, to, -1) === 0) this.#network.unblock(from.id, to.id);
      }
    };
  }

  #count(from: SimulatedNode, to: SimulatedNode, by: number): number {
    const name = `${from.id}>${to.id}`;
    const count = (this.#blocks.get(name) ?? 0) + by;
    this.#blocks.set(name, count);
    return count;
  }
}

type Pair = readonly [SimulatedNode, SimulatedNode];

const pairs = (some: readonly SimulatedNode[], others: readonly SimulatedNode[]): Pair[] =>
  some.flatMap((from) => others.map((to) => [from, to] as const));

const bothWays = (some: readonly SimulatedNode[], others: readonly SimulatedNode[]): Pair[] => [
  ...pairs(some, others),
  ...pairs(others, some),
];
