// What a seed decides about narrow places: how much a link carries, and limits so small that they are reached.

import { inflightBytesMax } from "../../src/constants.ts";
import { defaultLimits, type ReplicaLimits } from "../../src/node/replica/replica-limits.ts";
import type { Chance } from "./chance.ts";

export interface LinkPlan {
  /** Of each direction between two nodes; infinite where bandwidth plays no role. */
  readonly bytesPerSecond: number;
  /** Bulk that is on the wire at a time: an urgent frame waits for no more than this. */
  readonly windowBytes: number;
  /** A large value takes longer than an election timeout on the wire. */
  readonly isThin: boolean;
}

export interface LimitsPlan {
  readonly replica: ReplicaLimits;
  /** Bulk that waits for one peer. */
  readonly peerQueueBytesMax: number;
  readonly inflightBytesMax: number;
  /** What consensus has limits of its own for; empty: as a server has them. */
  readonly core: Readonly<Record<string, number>>;
}

const ms = 1_000;
/** Between nodes of one building the wire holds no more than this. */
const windowUs = 30 * ms;
const windowBytesMin = 1_500;

export const wideLinks: LinkPlan = {
  bytesPerSecond: Number.POSITIVE_INFINITY,
  windowBytes: Number.POSITIVE_INFINITY,
  isThin: false,
};

export function drawLinks(chance: Chance): LinkPlan {
  const kind = chance.next();
  if (kind < 0.6) return wideLinks;
  return kind < 0.8 ? linksOf(chance.between(200_000, 2_000_000), false) : drawThinLinks(chance);
}

/** Far more than heartbeats need, and so little that a large value takes seconds. */
export function drawThinLinks(chance: Chance): LinkPlan {
  return linksOf(chance.between(15_000, 60_000), true);
}

function linksOf(bytesPerSecond: number, isThin: boolean): LinkPlan {
  const windowBytes = Math.max(windowBytesMin, Math.round((bytesPerSecond * windowUs) / 1e6));
  return { bytesPerSecond, windowBytes, isThin };
}

/** In half of the seeds; the others have the limits of a server. */
export function drawLimits(chance: Chance, { bytesPerSecond, isThin }: LinkPlan): LimitsPlan {
  const isTight = chance.happens(0.5);
  const tight = (usual: number, ...limits: readonly number[]): number => {
    const drawn = chance.pick(limits);
    return isTight ? Math.min(drawn, usual) : usual;
  };
  const scaled = {
    pendingBytesMax: tight(defaultLimits.pendingBytesMax, 300, 1_000, 4_000),
    pendingReadBytesMax: tight(defaultLimits.pendingReadBytesMax, 20, 200, 2_000),
    batchBytesMax: tight(defaultLimits.batchBytesMax, 150, 600, 1e9),
    uncommittedBytesMax: tight(defaultLimits.uncommittedBytesMax, 150, 500, 3_000),
  };
  const writeWindowBytes = chance.pick([200, 1_000, 8_000]);
  const queue = isThin ? chance.pick([0.3, 1, 3]) * bytesPerSecond : chance.pick([100, 500, 3_000]);
  // On most links little is queued, so this one is drawn by itself.
  const peerQueueBytesMax = chance.happens(0.7) ? queue : Number.POSITIVE_INFINITY;
  const inflight = tight(inflightBytesMax, 200, 2_000, 1e9);
  const peerReadsMax = chance.pick([1, 4, 100]);
  const core = {
    catchUpBytesPerTurn: chance.pick([200, 2_000, 100_000]),
    probeBytesMax: chance.pick([50, 500]),
  };
  return {
    replica: {
      ...defaultLimits,
      ...scaled,
      ...(isTight ? { writeWindowBytes, peerReadsMax } : {}),
    },
    peerQueueBytesMax,
    inflightBytesMax: inflight,
    core: isTight ? core : {},
  };
}
