// Transactions over keys that hold lists: what the list-append checker judges.

import type { Outcome } from "./history.ts";

/** A list of unique values, in the order in which they were appended. */
export type List = readonly number[];

/** One command of a transaction. A read is null when nobody saw it. */
export type MicroOp =
  | readonly ["append", key: string, value: number]
  | readonly ["read", key: string, list: List | null];

export interface Transaction {
  readonly id: number;
  readonly client: number;
  /** As in `Operation`: nanoseconds, and no return for `info`. */
  readonly call: number;
  readonly ret: number | null;
  readonly kind: Outcome;
  readonly ops: readonly MicroOp[];
}

/** `#3 client 1: append x 4, read y [1 2] [10.000 .. 12.000 ms]` */
export function transactionInWords({ id, client, kind, ops, call, ret }: Transaction): string {
  const words = ops.map(([name, key, what]) => `${name} ${key} ${whatInWords(what)}`).join(", ");
  const end = ret === null ? "never" : (ret / 1e6).toFixed(3);
  const outcome = kind === "ok" ? "" : ` (${kind})`;
  return `#${id} client ${client}: ${words}${outcome} [${(call / 1e6).toFixed(3)} .. ${end} ms]`;
}

/** Of a long list the end is shown: that is where two readers differ. */
const elementsShownMax = 12;

export function listInWords(list: List): string {
  const hidden = Math.max(0, list.length - elementsShownMax);
  return `[${hidden > 0 ? `(${hidden} more) ` : ""}${list.slice(hidden).join(" ")}]`;
}

const whatInWords = (what: number | List | null): string =>
  typeof what === "number" ? String(what) : what === null ? "?" : listInWords(what);
