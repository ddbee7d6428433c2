// A bug on purpose: one named change of one source file, and the simulation that has to see it.

/** "core": consensus alone, quick, with changes of members; "cluster": whole nodes; "leases": whole nodes that read by lease. */
export type Run = "core" | "cluster" | "leases";

/** `find` occurs exactly once in the file. */
export interface Change {
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Change {
  /** What the changed program does wrong. */
  readonly name: string;
  /** Where such a bug was, or would be, found: a section, an issue, a rule of ARCHITECTURE.md. */
  readonly why: string;
  /** Below the root of the checkout. */
  readonly file: string;
  /** A second change of the same file, where another guard would hide the bug. */
  readonly also?: Change;
  readonly run: Run;
}

/** The changed source. Throws in words when the file has moved on and the mutant is none any more. */
export function mutate(mutant: Mutant, source: string): string {
  const { also } = mutant;
  const changed = change(mutant, mutant, source);
  return also === undefined ? changed : change(mutant, also, changed);
}

function change({ name, file }: Mutant, { find, replace }: Change, source: string): string {
  const places = source.split(find).length - 1;
  if (places === 1 && replace !== find) return source.replace(find, () => replace);
  throw new Error(
    `the mutant '${name}' no longer applies: ${file} has ${places} places that read\n${find}\n` +
      "Change it with the source, so that it plants the same bug again.",
  );
}
