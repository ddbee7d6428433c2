// Several cores and a network that delivers what the test lets through, in order.

import { assert } from "../../src/assert.ts";
import type { Message, NodeId } from "../../src/raft/core/types.ts";
import { type NodeSetup, TestNode } from "./raft-node.ts";

export class TestCluster {
  readonly nodes = new Map<number, TestNode>();
  /** Nodes whose disk does not finish. */
  readonly held = new Set<number>();
  readonly down = new Set<number>();
  /** "from>to" of links that lose everything. */
  readonly #cut = new Set<string>();
  #onDeliver: (message: Message) => void = () => undefined;

  constructor(setups: readonly NodeSetup[]) {
    for (const setup of setups) this.add(setup);
  }

  add(setup: NodeSetup): TestNode {
    const node = new TestNode(setup);
    this.nodes.set(setup.id, node);
    return node;
  }

  node(id: number): TestNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `node ${id} exists`);
    return node;
  }

  get leader(): TestNode | null {
    const leaders = [...this.nodes.values()].filter(({ core }) => core.role === "leader");
    leaders.sort((a, b) => b.core.term - a.core.term);
    return leaders[0] ?? null;
  }

  onDeliver(listener: (message: Message) => void): void {
    this.#onDeliver = listener;
  }

  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`);
  }

  isolate(id: number): void {
    for (const other of this.nodes.keys()) {
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  tickAll(count = 1): void {
    for (let tick = 0; tick < count; tick += 1) {
      for (const [id, node] of this.nodes) if (!this.down.has(id)) node.core.tick();
      this.deliver();
    }
  }

  /** Until nothing is on its way: save, send, receive. */
  deliver(): void {
    for (let rounds = 0; rounds < 10_000; rounds += 1) if (!this.deliverOnce()) return;
    assert(false, "the cluster comes to rest");
  }

  /** One round: what all nodes have to send now reaches the others. False when nothing was sent. */
  deliverOnce(): boolean {
    const messages: Message[] = [];
    for (const [id, node] of this.nodes) {
      if (this.down.has(id)) continue;
      if (this.held.has(id)) node.pump();
      else node.settle();
      messages.push(...node.take());
    }
    for (const message of messages) this.#carry(message);
    return messages.length > 0;
  }

  #carry(message: Message): void {
    const { from, to } = message;
    const receiver = this.nodes.get(to);
    if (receiver === undefined || this.down.has(to) || this.#cut.has(`${from}>${to}`)) return;
    this.#onDeliver(message);
    receiver.core.step(message);
  }

  /** Elects `id`, whatever it takes, and lets everything settle. */
  elect(id: number): TestNode {
    const node = this.node(id);
    for (let attempt = 0; attempt < 3 && node.core.role !== "leader"; attempt += 1) {
      for (const other of this.nodes.values()) if (other !== node) other.ticks(0);
      node.core.campaign();
      this.deliver();
    }
    assert(node.core.role === "leader", `node ${id} leads`);
    return node;
  }
}

/** `count` voters with the same log. */
export function clusterOf(count: number, setup: Partial<NodeSetup> = {}): TestCluster {
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  return new TestCluster(ids.map((id) => ({ voters: count, ...setup, id })));
}

export function ids(nodes: readonly TestNode[]): readonly NodeId[] {
  return nodes.map(({ id }) => id);
}
