// What runs met, counted: a state that never occurs is a state about which nothing is proved.

/** Injected by the simulation, by kind; the plan of a seed draws from these. */
export const faultKinds = [
  "kill",
  "power cut",
  "power cut everywhere",
  "pause",
  "isolation of the leader",
  "isolation",
  "halves",
  "one way",
  "bridge",
  "clog",
  "reset",
  "clock jump",
  "disk stall",
  "disk hang",
  "absence",
  "disk error",
  "transfer",
] as const;

/** Only where members change at run time. */
export const memberFaultKinds = ["add", "remove", "replace"] as const;

export type FaultKind =
  | (typeof faultKinds)[number]
  | (typeof memberFaultKinds)[number]
  /** Only in runs of their own. */
  | "disk full"
  | "bit rot"
  | "attack on a lease"
  | "attack on a reader";

const allFaultKinds: readonly FaultKind[] = [
  ...faultKinds,
  ...memberFaultKinds,
  "disk full",
  "bit rot",
  "attack on a lease",
  "attack on a reader",
];

/** Interesting states: over many seeds none may stay 0. */
export const stateKinds = [
  "election",
  "election in vain",
  "leader deposed while it lives",
  "uncommitted tail overwritten",
  "entry of an old term committed by a new leader",
  "torn write cut off at the start",
  "save survived that nobody knew of",
  "segment rolled",
  "restart from a checkpoint",
  "checkpoint lost in a crash",
  "log cut",
  "snapshot begun",
  "snapshot installed",
  "own write overtaken by a snapshot",
  "install finished after a crash",
  "writes forwarded",
  "forwarded frame refused",
  "read confirmed by the leader's peer",
  "key expired by the log",
  "key evicted by the leader",
  "key evicted by chance",
  "entry applied in slices",
  "pipeline",
  "write with unknown outcome",
  "definite refusal without a leader",
  "connection lost with frames under way",
  "connection closed after silence",
  "frame of a dead process delivered",
  "dialled a dead process",
  "node paused with requests waiting",
  "log time ahead of the leader's clock",
  "log time stepped with most clocks",
  "wrong clock noticed",
  "wrong clock hands over",
  "minority left dead in the second phase",
  "member added",
  "member removed",
  "leader removed",
  "learner became a voter",
  "removed node retired",
  "removed node told by a member",
  "client refused by a removed node",
  "write refused for full disks",
  "full leader hands over",
  "damaged log refused",
  "flipped bit did no harm",
  "pending writes or reads full",
  "uncommitted entries full",
  "append window full",
  "peer queue full",
  "queue lost with its connection",
  "urgent frame overtakes bulk",
  "reader restarted while the leader keeps its round",
] as const;

/** States of narrow places: each of them is met in at least a tenth of the seeds. */
export const narrowKinds = [
  "pending writes or reads full",
  "uncommitted entries full",
  "append window full",
  "peer queue full",
] as const satisfies readonly StateKind[];
const narrowShare = 0.1;

export type StateKind = (typeof stateKinds)[number];

export class Marks {
  seeds = 0;
  steps = 0;
  simulatedUs = 0;
  operations = 0;
  entries = 0;
  /** Histories whose search was given up. */
  undecided = 0;
  slowestRecoveryUs = 0;
  readonly faults = new Map<FaultKind, number>(allFaultKinds.map((kind) => [kind, 0]));
  readonly states = new Map<StateKind, number>(stateKinds.map((kind) => [kind, 0]));
  /** In how many seeds each narrow place was met. */
  readonly narrow = new Map<StateKind, number>(narrowKinds.map((kind) => [kind, 0]));

  fault(kind: FaultKind): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  met(state: StateKind): void {
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
    if (this.narrow.has(state)) this.narrow.set(state, 1);
  }

  add(other: MarksData): void {
    this.seeds += other.seeds;
    this.steps += other.steps;
    this.simulatedUs += other.simulatedUs;
    this.operations += other.operations;
    this.entries += other.entries;
    this.undecided += other.undecided;
    this.slowestRecoveryUs = Math.max(this.slowestRecoveryUs, other.slowestRecoveryUs);
    for (const [kind, count] of other.faults) {
      this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    }
    for (const [kind, count] of other.states) {
      this.states.set(kind, (this.states.get(kind) ?? 0) + count);
    }
    for (const [kind, seeds] of other.narrow) {
      this.narrow.set(kind, (this.narrow.get(kind) ?? 0) + seeds);
    }
  }

  /** What no run met, and narrow places that too few met. */
  get missing(): readonly string[] {
    const never = [...this.faults, ...this.states].filter(([, count]) => count === 0);
    const seldom = [...this.narrow].filter(([, seeds]) => seeds < narrowShare * this.seeds);
    return [
      ...never.map(([kind]) => kind),
      ...seldom.map(([kind, seeds]) => `${kind}: in ${seeds} of ${this.seeds} seeds only`),
    ];
  }
}

/** Marks on their way between threads. */
export type MarksData = Pick<
  Marks,
  | "seeds"
  | "steps"
  | "simulatedUs"
  | "operations"
  | "entries"
  | "undecided"
  | "slowestRecoveryUs"
  | "faults"
  | "states"
  | "narrow"
>;
