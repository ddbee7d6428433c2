// What a correct object does, one operation at a time: the yardstick of the linearizability checker.

import type { Operation } from "./history.ts";

/**
 * A sequential specification. It may be nondeterministic: a key with a TTL may be alive or gone, and only
 * the replies tell. States are values: `step` never changes one.
 */
export interface Model<State> {
  readonly initial: State;

  /**
   * Every state in which the object may be after `operation`, when it was in `state` before; none when the
   * reply cannot be explained. The reply of an `info` operation is unknown and forbids nothing.
   *
   * The whole operation is given, not only input and output: a model with time needs its interval.
   */
  step(state: State, operation: Operation): readonly State[];

  /**
   * The object that the operation is about. Linearizability composes (Herlihy and Wing 1990, theorem 1): a
   * history is linearizable if and only if the history of each object is, so each is searched alone.
   */
  partitionOf(operation: Operation): string;

  /** True when no reply of the operation goes with a change: without a reply it says nothing at all. */
  isRead(operation: Operation): boolean;

  /** Equal texts mean equal states; also shown to the reader of an explanation. */
  identify(state: State): string;
}
