// Invariants: a broken one is a bug of this program and stops the process.

/** A broken invariant: a bug in this program, never bad input from outside. The process must stop. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Stays on in production: better to stop than to continue in an incorrect state. */
export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new InvariantError(what);
}

/** The end of a switch over a union: the compiler proves that no member is left. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected value: ${JSON.stringify(value)}`);
}
