// Strongly connected components: where there are cycles at all.

import type { DependencyGraph } from "./dependency-graph.ts";

const unseen = -1;

/**
 * Components of two nodes or more over edges of the given kinds, each sorted. Tarjan (1972), with a stack of
 * its own: a history makes paths as long as itself.
 */
export function components(graph: DependencyGraph, kinds: number): number[][] {
  const walk = new Walk(graph, kinds);
  for (let node = 0; node < graph.size; node++) walk.from(node);
  return walk.found;
}

class Walk {
  readonly found: number[][] = [];
  readonly #graph: DependencyGraph;
  readonly #kinds: number;
  readonly #index: Int32Array;
  readonly #low: Int32Array;
  /** The next edge to follow, by node. */
  readonly #place: Int32Array;
  readonly #isOpen: Uint8Array;
  /** Nodes whose component is not complete. */
  readonly #open: number[] = [];
  #count = 0;

  constructor(graph: DependencyGraph, kinds: number) {
    this.#graph = graph;
    this.#kinds = kinds;
    this.#index = new Int32Array(graph.size).fill(unseen);
    this.#low = new Int32Array(graph.size);
    this.#place = new Int32Array(graph.size);
    this.#isOpen = new Uint8Array(graph.size);
  }

  from(root: number): void {
    if (this.#index[root] !== unseen) return;
    const path = [root];
    this.#enter(root);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const child = this.#nextChild(node);
      if (child !== null) {
        this.#enter(child);
        path.push(child);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) this.#lower(parent, this.#low[node] as number);
      if (this.#low[node] === this.#index[node]) this.#close(node);
    }
  }

  #enter(node: number): void {
    this.#index[node] = this.#count;
    this.#low[node] = this.#count;
    this.#count++;
    this.#place[node] = this.#graph.startOf(node);
    this.#isOpen[node] = 1;
    this.#open.push(node);
  }

  /** The next node that was never seen; those that were seen lower the node on the way. */
  #nextChild(node: number): number | null {
    const end = this.#graph.startOf(node + 1);
    for (let place = this.#place[node] as number; place < end; place++) {
      if (!this.#graph.isOf(place, this.#kinds)) continue;
      const target = this.#graph.target(place);
      if (this.#index[target] === unseen) {
        this.#place[node] = place + 1;
        return target;
      }
      if (this.#isOpen[target] === 1) this.#lower(node, this.#index[target] as number);
    }
    this.#place[node] = end;
    return null;
  }

  #lower(node: number, low: number): void {
    if (low < (this.#low[node] as number)) this.#low[node] = low;
  }

  #close(root: number): void {
    const members: number[] = [];
    let node: number | undefined;
    do {
      node = this.#open.pop() as number;
      this.#isOpen[node] = 0;
      members.push(node);
    } while (node !== root);
    if (members.length > 1) this.found.push(members.sort((a, b) => a - b));
  }
}
