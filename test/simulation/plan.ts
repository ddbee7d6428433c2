// Everything that a seed decides beforehand: the cluster, the weather, the faults and the requests.

import { Chance } from "./chance.ts";
import { type FaultKind, faultKinds, memberFaultKinds } from "./marks.ts";
import {
  drawLimits,
  drawLinks,
  drawThinLinks,
  type LimitsPlan,
  type LinkPlan,
  wideLinks,
} from "./plan-limits.ts";
import {
  type ClientPlan,
  type LoadPlan,
  planClients,
  planFillers,
  planLoaders,
  planReaders,
} from "./workload.ts";

export interface Fault {
  /** Names it for good: a shorter plan leaves out some. */
  readonly id: number;
  readonly kind: FaultKind;
  /** Microseconds. */
  readonly at: number;
  readonly duration: number;
  /** Seeds the choice of whom it hits. */
  readonly dice: number;
}

export interface ClockPlan {
  /** Of the wall clock, at first. */
  readonly skewMs: number;
  /** Of wall clock and timers, as a share. */
  readonly drift: number;
}

export type OnlyTrouble = "thin links" | "hung disk";

export interface Plan {
  readonly seed: number;
  /** Those that stand by to join included. */
  readonly nodes: number;
  /** The voters that the cluster begins with. Fewer than `nodes`: members change at run time. */
  readonly founders: number;
  /** Microseconds of the first phase. */
  readonly safetyUs: number;
  readonly clocks: readonly ClockPlan[];
  readonly network: {
    readonly delayMinUs: number;
    readonly delayMeanUs: number;
    /** Of one packet: TCP sends it again, everything behind it waits. */
    readonly loss: number;
    readonly links: LinkPlan;
  };
  readonly limits: LimitsPlan;
  /** One thing only is wrong, so that it is known what it may cost. */
  readonly only: OnlyTrouble | null;
  readonly disk: { readonly latencyMinUs: number; readonly latencyMeanUs: number };
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  /** Log bytes from checkpoint to checkpoint. */
  readonly checkpointBytes: number;
  /** Entries below a checkpoint that the log keeps for followers that are behind. */
  readonly keepsEntries: number;
  /** From the first event to the turn that works on it and on what came meanwhile. */
  readonly turnDelayUs: number;
  /** How long each request of an entry seems to take: when a turn has no more time for entries. */
  readonly requestMs: number;
  readonly appendBytesMax: number;
  readonly inflightMessagesMax: number;
  /** How often the process is killed while a snapshot takes the place of its state. */
  readonly installCrashes: number;
  /** Reads lean on the leader's lease, and every node promises patience. */
  readonly leases: boolean;
  /** Disks fill up below the floor now and then, and nodes look after that. */
  readonly fillsDisks: boolean;
  /** What a new cluster's configuration says of memory, and clients that fill it; null: nothing. */
  readonly memory: { readonly bytes: number; readonly policy: string } | null;
  readonly faults: readonly Fault[];
  readonly clients: readonly ClientPlan[];
}

/** What a shorter run of the same seed leaves out. */
export interface Omissions {
  readonly faults: ReadonlySet<number>;
  readonly operations: ReadonlySet<number>;
}

export const nothingOmitted: Omissions = { faults: new Set(), operations: new Set() };

const second = 1_000_000;
const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
/** Of a disk that hangs while nothing else is wrong: until the end of the first phase. */
const hangUs = 5 * second;
/** Nodes of a cluster whose members change, over its whole life: an id is never used again. */
const slots = 5;
/** Ids of faults that change members, so that they stay when others are drawn. */
const memberFaultsFrom = 10_001;
const fullDisksFrom = 20_001;
const attacksFrom = 30_001;
const rotFrom = 40_001;
const readAttacksFrom = 50_001;
const hangId = 60_001;

export function drawPlan(seed: number, omit: Omissions = nothingOmitted): Plan {
  const chance = new Chance(seed, "plan");
  const members = new Chance(seed, "members");
  const fixed = chance.pick([3, 3, 3, 3, 5, 5, 1, 2, 4]);
  const changes = members.happens(0.2);
  const nodes = changes ? slots : fixed;
  const founders = changes ? members.between(1, 3) : fixed;
  const safetyUs = chance.between(6, 16) * second;
  const calm = chance.happens(0.1);
  const space = new Chance(seed, "space");
  const fillsDisks = space.happens(0.15);
  const faults = [
    ...(calm ? [] : drawFaults(new Chance(seed, "faults"), safetyUs)),
    ...(changes ? drawMemberFaults(members, safetyUs) : []),
    ...(fillsDisks ? drawFullDisks(space, safetyUs) : []),
    ...(changes ? [] : drawRot(new Chance(seed, "bit rot"), safetyUs)),
  ];
  const clocks = Array.from({ length: nodes }, () => drawClock(chance));
  const links = drawLinks(new Chance(seed, "links"));
  const narrow = new Chance(seed, "limits");
  const limits = drawLimits(narrow, links);
  const memory = drawMemory(new Chance(seed, "memory"));
  const expires = memory === null;
  const clients = [
    ...planClients(new Chance(seed, "clients"), { nodes: founders, safetyUs, expires }),
    ...(memory === null
      ? drawLoaders(new Chance(seed, "loaders"), { nodes: founders, safetyUs, links })
      : planFillers(new Chance(seed, "fillers"), { nodes: founders, safetyUs })),
  ];
  const plan: Plan = {
    ...{ seed, nodes, founders, safetyUs, memory },
    clocks: changes ? clocks : withWrongClocks(clocks, new Chance(seed, "wrong clocks")),
    network: {
      delayMinUs: chance.between(20, 500),
      delayMeanUs: chance.pick([50, 200, 1_000, 5_000, 20_000]),
      loss: chance.pick([0, 0, 0.001, 0.01, 0.05]),
      links,
    },
    limits,
    only: null,
    disk: {
      latencyMinUs: chance.between(20, 200),
      latencyMeanUs: chance.pick([30, 200, 2_000, 10_000]),
    },
    segmentBytes: chance.pick([2, 8, 1024]) * 1024,
    cacheBytes: chance.pick([1, 8, 1024]) * 1024,
    checkpointBytes: chance.pick([500, 4_000, 30_000, 1e9]),
    keepsEntries: chance.pick([0, 10, 1e9]),
    turnDelayUs: chance.pick([0, 20, 200]),
    requestMs: new Chance(seed, "slices").pick([0, 0, 2, 4, 10]),
    appendBytesMax: chance.pick([200, 2_000, 1_000_000]),
    inflightMessagesMax: chance.pick([1, 4, 256]),
    installCrashes: calm ? 0 : chance.pick([0, 0.5]),
    leases: false,
    fillsDisks,
    faults: faults.filter(({ id }) => !omit.faults.has(id)),
    clients: withoutOmitted(clients, omit),
  };
  if (new Chance(seed, "leases").happens(0.15)) return withLeases(plan, omit);
  const special = new Chance(seed, "special").next();
  if (changes || special > 0.25) return plan;
  if (special < 0.1) return withReadAttacks(plan, omit);
  return withOnly(plan, special < 0.2 ? "thin links" : "hung disk", omit);
}

/** Nothing is wrong but one thing. */
function withOnly(plan: Plan, only: OnlyTrouble, omit: Omissions): Plan {
  const chance = new Chance(plan.seed, only);
  const nodes = chance.pick([3, 3, 5]);
  const { safetyUs } = plan;
  const links = only === "thin links" ? drawThinLinks(chance) : wideLinks;
  const network = { ...quicker(plan).network, loss: 0, links };
  const hang = { id: hangId, kind: "disk hang", at: safetyUs - hangUs, dice: 0 } as const;
  const faults = only === "hung disk" ? [{ ...hang, duration: hangUs }] : [];
  const clients = [
    ...planClients(chance, { nodes, safetyUs, expires: true }),
    ...drawLoaders(chance, { nodes, safetyUs, links }),
  ];
  return {
    ...{ ...plan, ...quicker(plan), network, only, nodes, founders: nodes, fillsDisks: false },
    memory: null,
    clocks: Array.from({ length: nodes }, () => ({ skewMs: 0, drift: 0 })),
    limits: drawLimits(chance, links),
    installCrashes: 0,
    faults: faults.filter(({ id }) => !omit.faults.has(id)),
    clients: withoutOmitted(clients, omit),
  };
}

/** Readers are restarted while the leader keeps what they asked in their former life. */
export function withReadAttacks(plan: Plan, omit: Omissions = nothingOmitted): Plan {
  const chance = new Chance(plan.seed, "read attacks");
  const faults = everySoOften(chance, plan.safetyUs, {
    firstId: readAttacksFrom,
    kind: "attack on a reader",
  });
  const network = { ...quicker(plan).network, loss: 0, links: wideLinks };
  return {
    ...{ ...plan, ...quicker(plan), network, installCrashes: 0 },
    faults: faults.filter(({ id }) => !omit.faults.has(id)),
    clients: [
      ...plan.clients,
      ...withoutOmitted(planReaders(chance, plan), omit).map((client) => {
        return { ...client, isFaithful: true };
      }),
    ],
  };
}

function withoutOmitted(clients: readonly ClientPlan[], omit: Omissions): ClientPlan[] {
  return clients.map((client) => ({
    ...client,
    requests: client.requests.filter(({ id }) => !omit.operations.has(id)),
  }));
}

/** Room for all registers, and for some of what fills the rest. */
function drawMemory(chance: Chance): Plan["memory"] {
  if (!chance.happens(0.15)) return null;
  const policy = chance.pick(["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]);
  return { bytes: chance.between(40_000, 80_000), policy };
}

/** Most seeds have no loaders, because large values take time, also the time of whoever runs the seeds. */
function drawLoaders(
  chance: Chance,
  around: { readonly nodes: number; readonly safetyUs: number; readonly links: LinkPlan },
): ClientPlan[] {
  const { bytesPerSecond, isThin } = around.links;
  const bytesMax = isThin ? chance.between(1, 3) * bytesPerSecond : chance.pick([1_000, 6_000]);
  const load: LoadPlan = isThin
    ? { bytesMax, pipelineMax: 3, bursts: 1 }
    : { bytesMax, pipelineMax: 16, bursts: 2 };
  return isThin || chance.happens(0.4) ? planLoaders(chance, { ...around, load }) : [];
}

/** Leases stand on clocks that go at nearly the same rate: half of the drift is what `leaseMs` allows for. */
export function withLeases(plan: Plan, omit: Omissions = nothingOmitted): Plan {
  const clocks = plan.clocks.map(({ skewMs, drift }) => ({ skewMs, drift: drift / 2 }));
  const chance = new Chance(plan.seed, "lease attacks");
  const attacks = everySoOften(chance, plan.safetyUs, {
    firstId: attacksFrom,
    kind: "attack on a lease",
  }).filter(({ id }) => !omit.faults.has(id));
  const readers = withoutOmitted(planReaders(chance, plan), omit);
  const faults = [...plan.faults, ...attacks];
  const common = {
    clocks,
    leases: true,
    only: null,
    faults,
    clients: [...plan.clients, ...readers],
  };
  return { ...plan, ...common, ...(chance.happens(0.6) ? quicker(plan) : {}) };
}

/** Others have to be elected before a lease ends that should keep them from it: that takes several rounds. */
function quicker({ network, disk }: Plan): Pick<Plan, "network" | "disk"> {
  const delayMeanUs = Math.min(network.delayMeanUs, 1_000);
  const latencyMeanUs = Math.min(disk.latencyMeanUs, 200);
  return { network: { ...network, delayMeanUs }, disk: { ...disk, latencyMeanUs } };
}

function drawClock(chance: Chance): ClockPlan {
  const skewMs = chance.happens(0.5) ? 0 : chance.between(-2_000, 2_000);
  const drift = chance.happens(0.5) ? 0 : (chance.next() - 0.5) / 5;
  return { skewMs, drift };
}

/** On a minority only: nothing is promised about time when most clocks are wrong. */
function withWrongClocks(clocks: readonly ClockPlan[], chance: Chance): readonly ClockPlan[] {
  if (!chance.happens(0.4)) return clocks;
  const most = Math.ceil(clocks.length / 2) - 1;
  const wrong = chance.shuffled(clocks).slice(0, chance.between(0, most));
  return clocks.map((clock) => {
    if (!wrong.includes(clock)) return clock;
    const skewMs = chance.pick([hourMs, yearMs]) * chance.pick([1, -1]);
    return { ...clock, skewMs };
  });
}

/** Swarm testing: each seed has some kinds of faults only, and its own rate of them. */
function drawFaults(chance: Chance, safetyUs: number): Fault[] {
  const share = chance.pick([0.15, 0.4, 0.8]);
  const chosen = faultKinds.filter(() => chance.happens(share));
  const kinds = chosen.length > 0 ? chosen : [chance.pick(faultKinds)];
  const meanUs = chance.pick([150_000, 500_000, 1_500_000]);
  const durationUs = chance.pick([50_000, 500_000, 2_500_000]);
  const faults: Fault[] = [];
  // An undisturbed beginning lets the first leader do something.
  for (let at = second; ; ) {
    at += Math.round(chance.exponential(meanUs));
    if (at >= safetyUs) return faults;
    faults.push({
      id: faults.length + 1,
      kind: chance.pick(kinds),
      at,
      duration: Math.round(chance.exponential(durationUs)) + 1_000,
      dice: chance.below(2 ** 31),
    });
  }
}

/** How an operator changes the cluster, whatever else befalls it. */
function drawMemberFaults(chance: Chance, safetyUs: number): Fault[] {
  const meanUs = chance.pick([300_000, 800_000, 2_000_000]);
  const faults: Fault[] = [];
  for (let at = second; ; ) {
    at += Math.round(chance.exponential(meanUs));
    if (at >= safetyUs) return faults;
    faults.push({
      id: memberFaultsFrom + faults.length,
      kind: chance.pick<FaultKind>(["add", "add", ...memberFaultKinds]),
      at,
      duration: 1_000,
      dice: chance.below(2 ** 31),
    });
  }
}

/** Long enough to be noticed, which takes a look at the disk and a word to the others. */
function drawFullDisks(chance: Chance, safetyUs: number): Fault[] {
  const faults: Fault[] = [];
  for (let at = second; ; ) {
    at += Math.round(chance.exponential(2 * second));
    if (at >= safetyUs) return faults;
    faults.push({
      id: fullDisksFrom + faults.length,
      kind: "disk full",
      at,
      duration: second + Math.round(chance.exponential(2 * second)),
      dice: chance.below(2 ** 31),
    });
  }
}

/** Only where it is known how many may be lost: a majority of the founders has to stand. */
function drawRot(chance: Chance, safetyUs: number): Fault[] {
  if (!chance.happens(0.15)) return [];
  return Array.from({ length: chance.between(1, 3) }, (_, at) => ({
    ...{ id: rotFrom + at, kind: "bit rot" },
    at: chance.between(second, safetyUs),
    duration: Math.round(chance.exponential(second)) + 1_000,
    dice: chance.below(2 ** 31),
  }));
}

function everySoOften(
  chance: Chance,
  safetyUs: number,
  { firstId, kind }: { readonly firstId: number; readonly kind: FaultKind },
): Fault[] {
  const faults: Fault[] = [];
  for (let at = second; ; ) {
    at += second + Math.round(chance.exponential(second));
    if (at >= safetyUs) return faults;
    const id = firstId + faults.length;
    faults.push({ id, kind, at, duration: 1_000, dice: chance.below(2 ** 31) });
  }
}
