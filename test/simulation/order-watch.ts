// Checks how leaders order: a batch that was forwarded twice is in the log of one term only once.

import type { Entry } from "../../src/raft/core/types.ts";
import { proposalKind, readHeader } from "../../src/state/execution/proposal.ts";
import { ensure } from "./world.ts";

export class OrderWatch {
  /** Batches in committed entries of `#term`: origin, incarnation, first number. */
  readonly #batches = new Set<string>();
  #term = 0;

  /** In the order of the log; terms never fall. */
  committed({ term, kind, data, index }: Entry): void {
    if (kind !== "data") return;
    if (term !== this.#term) this.#batches.clear();
    this.#term = term;
    const { kind: what, origin, incarnation, firstNumber, count } = readHeader(data);
    if (count === 0 || what === proposalKind.system) return;
    const batch = `${origin} ${incarnation} ${firstNumber}`;
    ensure(!this.#batches.has(batch), "17 ordered once", () => {
      return `entry ${index} has the writes of node ${origin} from ${firstNumber} on once more in term ${term}`;
    });
    this.#batches.add(batch);
  }
}
