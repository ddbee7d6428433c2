// What the clients of a simulation ask, drawn beforehand. Values are unique: a reply names its write.

import type { Chance } from "./chance.ts";

export interface Request {
  /** Unique in the run. */
  readonly id: number;
  readonly words: readonly string[];
  /** Microseconds from the reply before it; 0 sends it right behind the one before it (a pipeline). */
  readonly thinkUs: number;
}

export interface ClientPlan {
  readonly id: number;
  /** Where it connects first. */
  readonly node: number;
  readonly requests: readonly Request[];
  /** When its connection is lost it waits for the same node. */
  readonly isFaithful?: boolean;
}

export const registers = ["r0", "r1", "r2", "r3", "r4", "r5"] as const;
/** Only ever counted up: in the end they are exact. */
export const counters = ["c0", "c1"] as const;

/** More than a run of any length asks. */
const requestsMax = 400;

interface ClientsAround {
  readonly nodes: number;
  readonly safetyUs: number;
  /** Some registers may get an expiry. */
  readonly expires: boolean;
}

export function planClients(
  chance: Chance,
  { nodes, safetyUs, expires }: ClientsAround,
): ClientPlan[] {
  const count = chance.between(2, 6);
  const thinkUs = chance.pick([5_000, 30_000, 100_000]);
  const pipelined = chance.pick([0, 0.1, 0.4]);
  const drawn = chance.pick([0, 0.1]);
  const timed = expires ? drawn : 0;
  let lastId = 0;
  return Array.from({ length: count }, (_, at) => {
    const requests: Request[] = [];
    for (let us = 0; us < safetyUs && requests.length < requestsMax; ) {
      lastId += 1;
      const isBehind = requests.length > 0 && chance.happens(pipelined);
      const think = isBehind ? 0 : 1 + Math.round(chance.exponential(thinkUs));
      us += think;
      requests.push({ id: lastId, words: drawWords(chance, lastId, timed), thinkUs: think });
    }
    return { id: at + 1, node: chance.between(1, nodes), requests };
  });
}

/** Ids of clients that only read, one at each node, and of what they ask. */
const readersFrom = 101;
const readsFrom = 100_001;
const readThinkUs = 20_000;

/** A stale read needs a reader at the node that is mistaken. */
export function planReaders(
  chance: Chance,
  { founders, safetyUs }: { readonly founders: number; readonly safetyUs: number },
): ClientPlan[] {
  let lastId = readsFrom;
  return Array.from({ length: founders }, (_, at) => {
    const requests: Request[] = [];
    for (let us = 0; us < safetyUs && requests.length < requestsMax; ) {
      lastId += 1;
      const thinkUs = 1 + Math.round(chance.exponential(readThinkUs));
      us += thinkUs;
      requests.push({ id: lastId, words: ["EXISTS", registers[0]], thinkUs });
    }
    return { id: readersFrom + at, node: at + 1, requests };
  });
}

/** Ids of clients that load a node with large values, one at each node, and of what they ask. */
const loadersFrom = 201;
const loadsFrom = 200_001;

/** How large values are, and how many of them come behind each other. */
export interface LoadPlan {
  readonly bytesMax: number;
  readonly pipelineMax: number;
  /** Of each node. */
  readonly bursts: number;
}

/** Pipelines of large values through every node, so through followers too. */
export function planLoaders(
  chance: Chance,
  {
    nodes,
    safetyUs,
    load,
  }: { readonly nodes: number; readonly safetyUs: number; readonly load: LoadPlan },
): ClientPlan[] {
  let lastId = loadsFrom;
  return Array.from({ length: nodes }, (_, at) => {
    const requests: Request[] = [];
    for (let burst = 0; burst < load.bursts; burst += 1) {
      const length = chance.between(1, load.pipelineMax);
      let thinkUs = chance.between(1, Math.round((1.5 * safetyUs) / load.bursts));
      for (let each = 0; each < length; each += 1) {
        lastId += 1;
        const value = `v${lastId}${"y".repeat(chance.between(1, load.bytesMax))}`;
        requests.push({ id: lastId, words: ["SET", chance.pick(registers), value], thinkUs });
        thinkUs = 0;
      }
    }
    return { id: loadersFrom + at, node: at + 1, requests };
  });
}

/** Ids of clients that fill the memory, one at each node, and of what they ask. */
const fillersFrom = 301;
const fillsFrom = 300_001;
const fillerPrefix = "filler:";
const fillThinkUs = 40_000;

/** These keys are evicted at any time: nothing is promised of them. */
export function isFiller(key: unknown): boolean {
  return typeof key === "string" && key.startsWith(fillerPrefix);
}

/** Keys with an expiry, so that a volatile policy evicts them and no register. */
export function planFillers(
  chance: Chance,
  { nodes, safetyUs }: { readonly nodes: number; readonly safetyUs: number },
): ClientPlan[] {
  let lastId = fillsFrom;
  return Array.from({ length: nodes }, (_, at) => {
    const requests: Request[] = [];
    for (let us = 0; us < safetyUs && requests.length < requestsMax; ) {
      lastId += 1;
      const key = `${fillerPrefix}${chance.below(100)}`;
      const value = "z".repeat(chance.between(1, 2_000));
      const thinkUs = chance.happens(0.3) ? 0 : 1 + Math.round(chance.exponential(fillThinkUs));
      us += thinkUs;
      // A copy needs more room than its request has bytes.
      const copy = ["COPY", key, `${fillerPrefix}${chance.between(100, 150)}`, "REPLACE"];
      const set = ["SET", key, value, "PX", "600000"];
      const words = chance.pick<readonly string[]>([["GET", key], copy, copy, set, set]);
      requests.push({ id: lastId, words, thinkUs: requests.length === 0 ? thinkUs + 1 : thinkUs });
    }
    return { id: fillersFrom + at, node: at + 1, requests };
  });
}

function drawWords(chance: Chance, id: number, timed: number): readonly string[] {
  if (chance.happens(0.2)) return ["INCRBY", chance.pick(counters), "1"];
  // The first keys are asked for more often than the last.
  const key = registers[Math.floor(chance.next() ** 2 * registers.length)] as string;
  // Now and then one that spans sectors, so that half of it can be on disk.
  const value = `v${id}${chance.happens(0.1) ? "x".repeat(chance.between(1, 1_500)) : ""}`;
  if (chance.happens(timed)) return ["SET", key, value, "PX", String(chance.between(1, 1_500))];
  return chance.pick<readonly string[]>([
    ["GET", key],
    ["GET", key],
    ["GET", chance.pick(counters)],
    ["EXISTS", key],
    ["SET", key, value],
    ["SET", key, value],
    ["SET", key, value, "NX"],
    ["SET", key, value, "XX", "GET"],
    ["APPEND", key, `,v${id}`],
    ["APPEND", key, `,v${id}`],
    ["DEL", key],
    ["GETDEL", key],
  ]);
}
