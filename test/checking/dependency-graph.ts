// Who must come before whom, and why: a directed graph with typed edges, in flat arrays.

import { assert } from "../../src/assert.ts";

/** Kinds of edges, as bits: a set of kinds is a number. */
export const edgeKinds = {
  /** The second overwrote what the first had written. */
  ww: 1,
  /** The second read what the first had written. */
  wr: 2,
  /** The first read what the second then overwrote. */
  rw: 4,
  /** The first had returned before the second was called. */
  realtime: 8,
} as const;

export type EdgeKind = (typeof edgeKinds)[keyof typeof edgeKinds];

export interface Version {
  /** The number of the key. */
  readonly key: number;
  /** How long the list is that was read or appended to. */
  readonly length: number;
  /** What was appended: by the second transaction, or (wr) by the first. */
  readonly value: number;
}

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: EdgeKind;
  /** What the edge is about; real time has no key. */
  readonly about: Version | null;
}

/** Nodes are [0, size). Edges are added, then `freeze` sorts them by their origin. */
export class DependencyGraph {
  readonly size: number;
  readonly #edges: Edge[] = [];
  /** Edges of node n are at [starts[n], starts[n + 1]). */
  #starts = new Int32Array(0);
  #targets = new Int32Array(0);
  #kinds = new Uint8Array(0);
  /** Positions in #edges. */
  #sources = new Int32Array(0);

  constructor(size: number) {
    this.size = size;
  }

  add(edge: Edge): void {
    assert(edge.from !== edge.to, "nothing depends on itself");
    this.#edges.push(edge);
  }

  freeze(): this {
    const edges = this.#edges;
    this.#starts = new Int32Array(this.size + 1);
    for (const { from } of edges) this.#starts[from + 1] = this.startOf(from + 1) + 1;
    for (let node = 0; node < this.size; node++) {
      this.#starts[node + 1] = this.startOf(node + 1) + this.startOf(node);
    }
    const places = this.#starts.slice();
    this.#targets = new Int32Array(edges.length);
    this.#kinds = new Uint8Array(edges.length);
    this.#sources = new Int32Array(edges.length);
    for (const [number, { from, to, kind }] of edges.entries()) {
      const place = places[from] as number;
      places[from] = place + 1;
      this.#targets[place] = to;
      this.#kinds[place] = kind;
      this.#sources[place] = number;
    }
    return this;
  }

  get edgeCount(): number {
    return this.#edges.length;
  }

  startOf(node: number): number {
    return this.#starts[node] as number;
  }

  /** @param place in [startOf(node), startOf(node + 1)) */
  target(place: number): number {
    return this.#targets[place] as number;
  }

  isOf(place: number, kinds: number): boolean {
    return ((this.#kinds[place] as number) & kinds) !== 0;
  }

  edge(place: number): Edge {
    return this.#edges[this.#sources[place] as number] as Edge;
  }

  /** The edges among some nodes, with these numbered in their order. */
  among(nodes: readonly number[]): DependencyGraph {
    const numbers = new Map(nodes.map((node, number) => [node, number]));
    const part = new DependencyGraph(nodes.length);
    for (const [from, node] of nodes.entries()) {
      for (let place = this.startOf(node); place < this.startOf(node + 1); place++) {
        const to = numbers.get(this.target(place));
        if (to !== undefined) part.add({ ...this.edge(place), from, to });
      }
    }
    return part.freeze();
  }
}
