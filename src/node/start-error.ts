// Why a node cannot start.

/** A node that cannot start, as one line that says what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
}
