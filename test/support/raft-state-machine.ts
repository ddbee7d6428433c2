// The smallest state machine: a digest over everything that was applied, in its order.

import { assert } from "../../src/assert.ts";
import type { Entry, SnapshotPoint } from "../../src/raft/core/types.ts";

/** Another order, or one entry more or less, is another digest (FNV-1a, 32 bits). */
export function digestOf(before: number, { index, term, data }: Entry): number {
  let digest = before;
  for (const part of [index, term, ...data]) digest = Math.imul(digest ^ part, 0x01000193) >>> 0;
  return digest;
}

export class StateMachine {
  index = 0;
  digest = 0;
  /** Digests of durable states: own checkpoints, and those that a leader sent. */
  readonly #durable = new Map<number, number>([[0, 0]]);

  apply(entry: Entry): void {
    this.digest = digestOf(this.digest, entry);
    this.index = entry.index;
  }

  checkpoint(): void {
    this.#durable.set(this.index, this.digest);
  }

  /** The whole content of another node's checkpoint is here. */
  stage(index: number, digest: number): void {
    this.#durable.set(index, digest);
  }

  digestAt(index: number): number {
    const digest = this.#durable.get(index);
    assert(digest !== undefined, `the state at ${index} was written`);
    return digest;
  }

  /** Goes on from a durable state; null: from nothing. */
  restart(point: SnapshotPoint | null): void {
    this.index = point?.index ?? 0;
    this.digest = this.digestAt(this.index);
  }
}
