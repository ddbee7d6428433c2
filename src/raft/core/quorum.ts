// Majorities: pure arithmetic over the voters of one configuration.

import type { NodeId } from "./types.ts";

export type VoteResult = "won" | "lost" | "pending";

/** Voters that make a majority of `voters`; any two majorities share at least one member. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The largest value that a majority has reached, given one value per voter; 0 without voters. */
export function reachedByMajority(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const descending = values.toSorted((a, b) => b - a);
  return descending[majority(values.length) - 1] ?? 0;
}

/** §5.2: votes of anybody who is not a voter count nowhere; without voters nobody ever wins. */
export function countVotes(
  voters: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majority(voters.length);
  if (granted >= needed) return "won";
  return voters.length - refused < needed ? "lost" : "pending";
}
