// States that a simulation has to meet now and then: a run that never did would prove nothing about them.

const names = [
  "elections",
  "commits",
  "reads",
  "readsLost",
  "overwritten",
  "rolledBack",
  "crashes",
  "changes",
  "transfers",
  "learners",
  "removedLeaders",
  "liveAgain",
  "snapshotsNeeded",
  "installs",
  "installsReplaced",
  "appendedDuringInstall",
  "snapshotsIgnored",
  "suffixesRetained",
  "crashesBeforeSwitch",
  "crashesBeforeRestart",
  "crashesAfterInstall",
  "goneElections",
  "wrongReports",
  "hungDisks",
] as const;

/** How often each was met; over many seeds none may stay 0. */
export type Marks = Record<(typeof names)[number], number>;

export function noMarks(): Marks {
  return Object.fromEntries(names.map((name) => [name, 0])) as Marks;
}
