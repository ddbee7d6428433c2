// Throughput and processor time in alternation: in each round every system runs a case before the next case begins.

import {
  type Case,
  isMeasuredOn,
  type ProcessName,
  processNames,
  type SystemName,
  systemNames,
} from "./cases.ts";
import { fill } from "./footprint.ts";
import { median } from "./median.ts";
import { processorMicros } from "./processor-time.ts";
import { benchmark, type Figures, keyCount, requestsFor } from "./redis-benchmark.ts";
import type { System } from "./systems.ts";

/** One run of a case on one system. */
export interface Run extends Figures {
  /** Of the node that the client talks to, in microseconds of processor time. */
  readonly microsPerRequest: number;
  /** Of a follower, as the mean of them; absent where there are none. */
  readonly followerMicrosPerRequest?: number;
}

export type Round = Readonly<Partial<Record<SystemName, Run>>>;

export interface Summary {
  /** Over the rounds. */
  readonly median: number;
  /** Median over the rounds of each round's own ratio to redis-server. */
  readonly ratio: number;
}

export interface Speed {
  readonly case: Case;
  readonly rounds: readonly Round[];
  /** Microseconds per request. */
  readonly processorTime: Readonly<Partial<Record<ProcessName, Summary>>>;
  /** Requests per second. */
  readonly throughput: Readonly<Partial<Record<SystemName, Summary>>>;
}

export interface SpeedPlan {
  readonly rounds: number;
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

/** A run in which leadership moves says nothing about leaders and followers, and is repeated. */
const attemptsMax = 3;

export async function measureSpeed(
  systems: readonly System[],
  cases: readonly Case[],
  plan: SpeedPlan,
): Promise<Speed[]> {
  for (const system of systems) {
    await fill(system.port, { keys: keyCount, valueBytes: 16 }); // No GET finds nothing.
    system.pause();
  }
  const rounds = new Map<Case, Round[]>();
  for (let round = 0; round < plan.rounds; round++) {
    // Every other round backwards: what slows the machine down with time hits nobody's turn more.
    const inTurn = round % 2 === 0 ? systems : systems.toReversed();
    for (const each of cases) {
      const runs: Partial<Record<SystemName, Run>> = {};
      for (const system of inTurn) {
        if (isMeasuredOn(system.name, each)) runs[system.name] = await turn(system, each, plan);
      }
      rounds.set(each, [...(rounds.get(each) ?? []), runs]);
      plan.progress(`round ${round + 1} of ${plan.rounds}: ${line(each, runs)}`);
    }
  }
  return cases.map((each) => summary(each, rounds.get(each) ?? []));
}

/** Only the system whose turn it is runs. */
async function turn(system: System, what: Case, { seconds, progress }: SpeedPlan): Promise<Run> {
  try {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      await system.resume();
      const leader = system.pid;
      const run = await runOn(system, what, await requestsFor(system.port, what, seconds));
      await system.resume();
      if (system.pid === leader) return run;
      progress(`${what.name}: leadership of ${system.name} has moved, once more`);
    }
  } finally {
    system.pause();
  }
  throw new Error(`leadership of ${system.name} moved in each of ${attemptsMax} runs`);
}

async function runOn(system: System, what: Case, requests: number): Promise<Run> {
  const pids = [system.pid, ...system.followerPids];
  const before = pids.map(processorMicros);
  const figures = await benchmark(system.port, what, requests);
  const spent = pids.map((pid, at) => processorMicros(pid) - (before[at] ?? 0));
  const [own = 0, ...followers] = spent.map((micros) => micros / requests);
  const sum = followers.reduce((total, micros) => total + micros, 0);
  return {
    ...figures,
    microsPerRequest: own,
    ...(followers.length === 0 ? {} : { followerMicrosPerRequest: sum / followers.length }),
  };
}

function line(what: Case, round: Round): string {
  const runs = Object.entries(round).map(
    ([name, { microsPerRequest, operationsPerSecond }]) =>
      `${name} ${microsPerRequest.toFixed(2)} µs, ${Math.round(operationsPerSecond)}/s`,
  );
  return `${what.name}: ${runs.join("; ")}`;
}

function summary(what: Case, rounds: readonly Round[]): Speed {
  const processorTime: Partial<Record<ProcessName, Summary>> = {};
  for (const name of processNames) {
    const found = summarise(
      rounds,
      (round) => microsOf(round, name),
      (round) => microsOf(round, "redis"),
    );
    if (found !== null) processorTime[name] = found;
  }
  const throughput: Partial<Record<SystemName, Summary>> = {};
  for (const name of systemNames) {
    const rateOf = (round: Round, of: SystemName) => round[of]?.operationsPerSecond;
    const found = summarise(
      rounds,
      (round) => rateOf(round, name),
      (round) => rateOf(round, "redis"),
    );
    if (found !== null) throughput[name] = found;
  }
  return { case: what, rounds, processorTime, throughput };
}

function microsOf(round: Round, name: ProcessName): number | undefined {
  if (name === "three follower") return round.three?.followerMicrosPerRequest;
  if (name === "lease follower") return round.lease?.followerMicrosPerRequest;
  return round[name]?.microsPerRequest;
}

type FigureOf = (round: Round) => number | undefined;

/** Null when no round has the figure; redis-server takes part in every round. */
function summarise(rounds: readonly Round[], own: FigureOf, redis: FigureOf): Summary | null {
  const values: number[] = [];
  const ratios: number[] = [];
  for (const round of rounds) {
    const value = own(round);
    if (value === undefined) continue;
    values.push(value);
    ratios.push(value / (redis(round) ?? Number.NaN));
  }
  return values.length === 0 ? null : { median: median(values), ratio: median(ratios) };
}
