// Finds the worst cycle of each component, and of those a shortest one.

import { assert } from "../../src/assert.ts";
import type { CycleAnomaly } from "./anomaly.ts";
import { components } from "./components.ts";
import { type DependencyGraph, type Edge, edgeKinds } from "./dependency-graph.ts";
import { Paths } from "./paths.ts";

const { ww, wr, rw, realtime } = edgeKinds;

export interface Cycle {
  readonly name: CycleAnomaly;
  /** Each begins where the one before ends; the last one ends where the first begins. */
  readonly edges: readonly Edge[];
}

/** One bug makes many components, and the first ones tell it. */
export const cyclesMax = 10;

/** One cycle per component, at most `cyclesMax`; nodes are those of `graph`. */
export function findCycles(graph: DependencyGraph): Cycle[] {
  return components(graph, ww | wr | rw | realtime)
    .slice(0, cyclesMax)
    .map((nodes) => {
      const edges = worstCycle(graph.among(nodes)).map((edge) => ({
        ...edge,
        from: nodes[edge.from] as number,
        to: nodes[edge.to] as number,
      }));
      return { name: nameOf(edges), edges };
    });
}

/**
 * The order is that of what they rule out: G0 breaks even the weakest level. Cycles without real time come
 * first, for they break serializability itself.
 */
function worstCycle(component: DependencyGraph): Edge[] {
  for (const time of [0, realtime]) {
    const edges =
      shortestCycle(component, ww | time) ??
      shortestCycle(component, ww | wr | time) ??
      shortestWithOneMiss(component, time) ??
      shortestCycle(component, ww | wr | rw | time);
    if (edges !== null) return mergeRealtime(edges);
  }
  assert(false, "a component has a cycle");
}

function shortestCycle(graph: DependencyGraph, kinds: number): Edge[] | null {
  const paths = new Paths(graph);
  let best: Edge[] | null = null;
  for (const node of components(graph, kinds).flat()) {
    if (best !== null && paths.isSpent) break;
    best = paths.shortest(node, node, kinds, lengthBelow(best)) ?? best;
  }
  return best;
}

/** Exactly one rw edge: the rest of the way back has none. */
function shortestWithOneMiss(graph: DependencyGraph, time: number): Edge[] | null {
  const paths = new Paths(graph);
  let best: Edge[] | null = null;
  for (const node of components(graph, ww | wr | rw | time).flat()) {
    for (let place = graph.startOf(node); place < graph.startOf(node + 1); place++) {
      if (!graph.isOf(place, rw) || paths.isSpent) continue;
      const back = paths.shortest(graph.target(place), node, ww | wr | time, lengthBelow(best) - 1);
      if (back !== null) best = [graph.edge(place), ...back];
    }
  }
  return best;
}

const lengthBelow = (best: readonly Edge[] | null): number =>
  best === null ? Number.POSITIVE_INFINITY : best.length - 1;

/** Real time is transitive, so two such edges in a row are one: the reduction left the long way only. */
function mergeRealtime(cycle: readonly Edge[]): Edge[] {
  const start = cycle.findIndex(({ kind }) => kind !== realtime);
  assert(start >= 0, "time does not run in a circle");
  const merged: Edge[] = [];
  for (const edge of [...cycle.slice(start), ...cycle.slice(0, start)]) {
    const last = merged.at(-1);
    if (last?.kind === realtime && edge.kind === realtime) {
      merged[merged.length - 1] = { ...last, to: edge.to };
    } else merged.push(edge);
  }
  return merged;
}

function nameOf(cycle: readonly Edge[]): CycleAnomaly {
  const count = (kind: number) => cycle.filter((edge) => edge.kind === kind).length;
  const misses = count(rw);
  const name = misses > 1 ? "G2" : misses === 1 ? "G-single" : count(wr) > 0 ? "G1c" : "G0";
  return count(realtime) > 0 ? `${name}-realtime` : name;
}
