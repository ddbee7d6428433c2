// The fewest faults and requests of a seed that still break the same invariant.

import { drawPlan, type Omissions } from "./plan.ts";
import { type SimulationOptions, simulate } from "./simulation.ts";

/** Each is one whole run. */
const runsMax = 400;

/** Leaves out pieces, halving their size, as long as the same invariant breaks: small, not proven minimal. */
export async function shrink(
  seed: number,
  invariant: string,
  options: SimulationOptions = {},
): Promise<Omissions> {
  let runs = 0;
  const stillFails = async (omit: Omissions): Promise<boolean> => {
    runs += 1;
    if (runs > runsMax) return false;
    const { violation } = await simulate(drawPlan(seed, omit), options);
    return violation?.invariant === invariant;
  };
  const plan = drawPlan(seed);
  const none: ReadonlySet<number> = new Set();
  const operations = await leaveOut(
    plan.clients.flatMap(({ requests }) => requests.map(({ id }) => id)),
    (without) => stillFails({ faults: none, operations: without }),
  );
  const faults = await leaveOut(
    plan.faults.map(({ id }) => id),
    (without) => stillFails({ faults: without, operations }),
  );
  return { faults, operations };
}

async function leaveOut(
  all: readonly number[],
  stillFails: (without: ReadonlySet<number>) => Promise<boolean>,
): Promise<ReadonlySet<number>> {
  let kept = all;
  let without: ReadonlySet<number> = new Set();
  for (let size = kept.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const candidate = new Set([...without, ...kept.slice(at, at + size)]);
      if (await stillFails(candidate)) {
        without = candidate;
        kept = [...kept.slice(0, at), ...kept.slice(at + size)];
      } else at += size;
    }
  }
  return without;
}
