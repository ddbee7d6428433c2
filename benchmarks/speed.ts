// Throughput in alternation: in each round every system runs a case before the next case begins.

import type { Case } from "./cases.ts";
import { median } from "./median.ts";
import { type Figures, measure } from "./redis-benchmark.ts";
import type { System, SystemName } from "./systems.ts";

export interface Speed {
  readonly case: Case;
  /** One entry per round, by system. */
  readonly rounds: readonly Readonly<Partial<Record<SystemName, Figures>>>[];
  /** Median over the rounds, by system. */
  readonly operationsPerSecond: Readonly<Partial<Record<SystemName, number>>>;
  /** Median over the rounds of each round's own ratio to redis-server, by system. */
  readonly ratio: Readonly<Partial<Record<SystemName, number>>>;
}

export interface SpeedPlan {
  readonly rounds: number;
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

export async function measureSpeed(
  systems: readonly System[],
  cases: readonly Case[],
  plan: SpeedPlan,
): Promise<Speed[]> {
  const rounds = new Map<Case, Partial<Record<SystemName, Figures>>[]>();
  for (let round = 0; round < plan.rounds; round++) {
    for (const each of cases) {
      const figures: Partial<Record<SystemName, Figures>> = {};
      // Every other round backwards: what slows the machine down with time hits nobody's turn more.
      for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
        figures[system.name] = await measure(system.port, each, plan.seconds);
      }
      rounds.set(each, [...(rounds.get(each) ?? []), figures]);
      plan.progress(`round ${round + 1} of ${plan.rounds}: ${line(each, figures)}`);
    }
  }
  return cases.map((each) => summary(each, rounds.get(each) ?? []));
}

function line(each: Case, figures: Partial<Record<SystemName, Figures>>): string {
  const rates = Object.entries(figures).map(
    ([name, { operationsPerSecond }]) => `${name} ${Math.round(operationsPerSecond)}/s`,
  );
  return `${each.name}: ${rates.join(", ")}`;
}

function summary(what: Case, rounds: readonly Partial<Record<SystemName, Figures>>[]): Speed {
  const operationsPerSecond: Partial<Record<SystemName, number>> = {};
  const ratio: Partial<Record<SystemName, number>> = {};
  for (const name of ["redis", "one", "three"] as const) {
    const rates: number[] = [];
    const ratios: number[] = [];
    for (const round of rounds) {
      const own = round[name]?.operationsPerSecond;
      if (own === undefined) continue;
      rates.push(own);
      if (round.redis !== undefined) ratios.push(own / round.redis.operationsPerSecond);
    }
    if (rates.length === 0) continue;
    operationsPerSecond[name] = median(rates);
    ratio[name] = median(ratios);
  }
  return { case: what, rounds, operationsPerSecond, ratio };
}
