// Shortest paths by breadth-first search, with one budget for a whole series of searches.

import type { DependencyGraph, Edge } from "./dependency-graph.ts";

/** Edges looked at before a series ends with what it has. */
export const edgesVisitedMax = 20_000_000;

export class Paths {
  readonly #graph: DependencyGraph;
  /** In which search a node was seen last, and by which edge. */
  readonly #seen: Int32Array;
  readonly #by: Int32Array;
  readonly #queue: Int32Array;
  #search = 0;
  #visits = 0;

  constructor(graph: DependencyGraph) {
    this.#graph = graph;
    this.#seen = new Int32Array(graph.size);
    this.#by = new Int32Array(graph.size);
    this.#queue = new Int32Array(graph.size);
  }

  /** A search that has begun is never cut: a cycle that must exist is found by the first one. */
  get isSpent(): boolean {
    return this.#visits >= edgesVisitedMax;
  }

  /**
   * A shortest path of one edge or more, of edges of the given kinds; null when there is none of at most
   * `lengthMax` edges. From a node to itself it is a shortest cycle.
   */
  shortest(from: number, to: number, kinds: number, lengthMax: number): Edge[] | null {
    this.#search++;
    this.#queue[0] = from;
    this.#seen[from] = this.#search;
    let begin = 0;
    let end = 1;
    for (let length = 1; begin < end && length <= lengthMax; length++) {
      const levelEnd = end;
      for (; begin < levelEnd; begin++) {
        const place = this.#placeTo(to, this.#queue[begin] as number, kinds);
        if (place !== null) return this.#pathOf(from, place);
        end = this.#enqueue(this.#queue[begin] as number, kinds, end);
      }
    }
    return null;
  }

  /** Puts the neighbours that were not seen at the end of the queue; returns the new end. */
  #enqueue(node: number, kinds: number, end: number): number {
    let last = end;
    for (let place = this.#graph.startOf(node); place < this.#graph.startOf(node + 1); place++) {
      this.#visits++;
      const target = this.#graph.target(place);
      if (!this.#graph.isOf(place, kinds) || this.#seen[target] === this.#search) continue;
      this.#seen[target] = this.#search;
      this.#by[target] = place;
      this.#queue[last++] = target;
    }
    return last;
  }

  #placeTo(to: number, node: number, kinds: number): number | null {
    for (let place = this.#graph.startOf(node); place < this.#graph.startOf(node + 1); place++) {
      if (this.#graph.target(place) === to && this.#graph.isOf(place, kinds)) return place;
    }
    return null;
  }

  #pathOf(from: number, lastPlace: number): Edge[] {
    const path = [this.#graph.edge(lastPlace)];
    for (let node = path[0]?.from; node !== undefined && node !== from; ) {
      const edge = this.#graph.edge(this.#by[node] as number);
      path.push(edge);
      node = edge.from;
    }
    return path.reverse();
  }
}
