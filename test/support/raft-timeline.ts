// A cluster in virtual time, measured in ticks: nodes that are not in step, messages and disks that take time.

import { assert } from "../../src/assert.ts";
import type { NodeId } from "../../src/raft/core/types.ts";
import { Chance } from "./raft-chance.ts";
import { TestNode } from "./raft-node.ts";

interface Event {
  readonly at: number;
  readonly run: () => void;
}

/** In ticks of 10 ms: a local network, and disks that sync within 0.5 to 5 ms. */
const delay = { messageMin: 0.01, messageMax: 0.1, diskMin: 0.05, diskMax: 0.5 } as const;

export class Timeline {
  readonly chance: Chance;
  readonly nodes: TestNode[] = [];
  readonly #down = new Set<TestNode>();
  readonly #busy = new Set<TestNode>();
  readonly #events: Event[] = [];
  #now = 0;

  constructor(
    seed: number,
    size: number,
    timing: { heartbeatTicks: number; electionTicks: number },
  ) {
    this.chance = new Chance(seed);
    for (let id = 1; id <= size; id += 1) {
      const { random } = this.chance;
      const node = new TestNode({ id, voters: size, random, options: timing });
      this.nodes.push(node);
      this.#after(this.chance.random(), () => this.#tick(node));
    }
  }

  get now(): number {
    return this.#now;
  }

  /** The one of the newest term. */
  get leader(): TestNode | null {
    const leaders = this.nodes.filter((node) => node.core.role === "leader" && this.isUp(node));
    return leaders.toSorted((a, b) => b.core.term - a.core.term)[0] ?? null;
  }

  isUp(node: TestNode): boolean {
    return !this.#down.has(node);
  }

  stop(node: TestNode): void {
    this.#down.add(node);
  }

  /** The node's owner calls it, and the core's work is done. */
  call(node: TestNode, act: () => void): void {
    if (!this.isUp(node)) return;
    act();
    this.#work(node);
  }

  after(ticks: number, act: () => void): void {
    this.#after(ticks, act);
  }

  /** Until `done` says so; the ticks that passed, or null when `limit` was reached before. */
  run(limit: number, done: () => boolean = () => false): number | null {
    const start = this.#now;
    while (!done()) {
      const event = this.#events.shift();
      assert(event !== undefined, "ticks never end");
      if (event.at - start > limit) {
        this.#events.unshift(event);
        this.#now = start + limit;
        return null;
      }
      this.#now = event.at;
      event.run();
    }
    return this.#now - start;
  }

  #after(ticks: number, run: () => void): void {
    const at = this.#now + ticks;
    const place = this.#events.findIndex((event) => event.at > at);
    this.#events.splice(place < 0 ? this.#events.length : place, 0, { at, run });
  }

  #tick(node: TestNode): void {
    this.call(node, () => node.core.tick());
    this.#after(1, () => this.#tick(node));
  }

  #work(node: TestNode): void {
    node.pump();
    node.applied.length = 0;
    for (const message of node.take()) {
      const ticks = this.#between(delay.messageMin, delay.messageMax);
      this.#after(ticks, () => {
        const receiver = this.#node(message.to);
        this.call(receiver, () => receiver.core.step(message));
      });
    }
    if (node.saving === null || this.#busy.has(node)) return;
    this.#busy.add(node);
    this.#after(this.#between(delay.diskMin, delay.diskMax), () => {
      this.#busy.delete(node);
      this.call(node, () => node.finishSave());
    });
  }

  #node(id: NodeId): TestNode {
    const node = this.nodes[id - 1];
    assert(node !== undefined, `node ${id} exists`);
    return node;
  }

  #between(min: number, max: number): number {
    return min + this.chance.random() * (max - min);
  }
}
