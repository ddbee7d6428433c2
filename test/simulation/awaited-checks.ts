// Checks of promises that the source does not keep yet: each is switched on with the change that keeps it.

export const awaitedChecks = {
  /** A leader that has a batch of its term in its log orders it no second time. */
  "a batch is ordered once a term": false,
  /** A leader whose disk hangs hands over while a majority stands. */
  "a hung disk costs the leadership": false,
} as const satisfies Readonly<Record<string, boolean>>;

export type AwaitedCheck = keyof typeof awaitedChecks;

/** For measurements: names, separated by semicolons, of checks to be switched on. */
const { SIMULATION_CHECKS = "" } = process.env;
const alsoOn = new Set(SIMULATION_CHECKS.split(";"));

export const isOn = (check: AwaitedCheck): boolean => awaitedChecks[check] || alsoOn.has(check);
