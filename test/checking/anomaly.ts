// What a checker of transactions can report.

import type { Transaction } from "./transaction.ts";

/** Seen without a graph: one reply, or two, already cannot be true. */
export type DirectAnomaly =
  /** A read shows a value twice: an append took effect twice. */
  | "duplicate-append"
  /** A read shows a value that nobody appended. */
  | "garbage-read"
  /** Two reads of a key are not prefixes of one order: split brain, or a lost prefix. */
  | "incompatible-order"
  /** G1a: a read shows an append that failed. */
  | "aborted-read"
  /** G1b: a read shows an append of a transaction, and not its next one to the same key. */
  | "intermediate-read"
  /** A transaction does not see its own appends, or its reads contradict each other. */
  | "internal"
  /** A read that was called after an append had returned shows no trace of it, nor does any other. */
  | "lost-append"
  /** The length that APPEND replied is not that of any list that ends with its value. */
  | "wrong-length";

/**
 * Cycles of dependencies, after Adya (1999) and Elle (Kingsbury and Alvaro 2020). With `-realtime` the cycle
 * needs an edge of real time: the history is serializable, but not strictly.
 */
export type CycleAnomaly = CycleName | `${CycleName}-realtime`;

/**
 * - `G0`: writes only. `G1c`: writes and reads of them.
 * - `G-single`: exactly one read that misses a write (read skew, lost update; with real time, a stale read).
 * - `G2`: several such reads (write skew).
 */
export type CycleName = "G0" | "G1c" | "G-single" | "G2";

export interface Anomaly {
  readonly name: DirectAnomaly | CycleAnomaly;
  /** Several lines, in words. */
  readonly explanation: string;
  readonly transactions: readonly Transaction[];
}
