// The search for a legal order of the operations on one object: Wing and Gong, with Lowe's cache.

import { assert } from "../../src/assert.ts";
import { EventList } from "./event-list.ts";
import type { Operation } from "./history.ts";
import { PlacedSet } from "./placed-set.ts";
import { impossible, type StateSets } from "./state-sets.ts";
import { Visited } from "./visited.ts";

/** What a search came to. Operations are given by their positions. */
export type SearchResult = Found | DeadEnd | GivenUp;

export interface Found {
  readonly verdict: "linearizable";
  /** A legal order. An `info` operation that is not in it need not have taken effect. */
  readonly order: readonly number[];
  readonly steps: number;
}

export interface DeadEnd {
  readonly verdict: "not-linearizable";
  /** The longest legal order of which some continuation was tried. */
  readonly order: readonly number[];
  /** It returned before anything could be placed after that order. */
  readonly blocked: number;
  /** The set of states after `order`. */
  readonly state: number;
  readonly steps: number;
}

export interface GivenUp {
  readonly verdict: "unknown";
  readonly steps: number;
}

/** The search keeps its own stack: a history may be longer than the stack of calls is deep. */
class Search<State> {
  readonly #list: EventList;
  readonly #sets: StateSets<State>;
  readonly #operations: readonly Operation[];
  readonly #placed: PlacedSet;
  readonly #visited = new Visited();
  /** The order so far, and the state before each of its operations. */
  readonly #order: Int32Array;
  readonly #states: Int32Array;
  #depth = 0;
  /** Operations that have returned and are not placed. */
  #open = 0;
  #state: number;
  #steps = 0;
  #longest: DeadEnd | null = null;

  constructor(sets: StateSets<State>, operations: readonly Operation[]) {
    this.#sets = sets;
    this.#operations = operations;
    this.#list = new EventList(operations);
    this.#placed = new PlacedSet(operations.length);
    this.#order = new Int32Array(operations.length);
    this.#states = new Int32Array(operations.length);
    this.#state = sets.initial;
  }

  run(stepsMax: number): SearchResult {
    this.#open = this.#operations.filter(({ ret }) => ret !== null).length;
    let node = this.#list.first;
    while (this.#open > 0) {
      if (this.#list.isCall(node)) {
        if (this.#steps === stepsMax) return { verdict: "unknown", steps: this.#steps };
        this.#steps++;
        node = this.#place(node) ? this.#list.first : this.#list.after(node);
      } else {
        // A return whose call was not placed in time: what was placed last was wrong.
        this.#noteDeadEnd(node - this.#list.size);
        if (this.#depth === 0) return this.#failure();
        node = this.#list.after(this.#undo());
      }
    }
    return { verdict: "linearizable", order: this.#orderSoFar(), steps: this.#steps };
  }

  #returns(operation: number): boolean {
    return this.#operations[operation]?.ret !== null;
  }

  /** Takes the operation as the next one; false when it does not fit, or led nowhere before. */
  #place(operation: number): boolean {
    const after = this.#sets.step(this.#state, operation);
    if (after === impossible) return false;
    this.#placed.toggle(operation);
    if (!this.#visited.add(this.#placed, after)) {
      this.#placed.toggle(operation);
      return false;
    }
    this.#order[this.#depth] = operation;
    this.#states[this.#depth] = this.#state;
    this.#depth++;
    this.#state = after;
    this.#list.lift(operation);
    if (this.#returns(operation)) this.#open--;
    return true;
  }

  #undo(): number {
    this.#depth--;
    const operation = this.#order[this.#depth] as number;
    this.#state = this.#states[this.#depth] as number;
    this.#placed.toggle(operation);
    this.#list.unlift(operation);
    if (this.#returns(operation)) this.#open++;
    return operation;
  }

  #noteDeadEnd(blocked: number): void {
    assert(blocked >= 0, "the list does not end while a returned operation is not placed");
    if (this.#longest !== null && this.#depth <= this.#longest.order.length) return;
    this.#longest = {
      verdict: "not-linearizable",
      order: this.#orderSoFar(),
      blocked,
      state: this.#state,
      steps: 0,
    };
  }

  #failure(): DeadEnd {
    assert(this.#longest !== null, "a search fails at a dead end");
    return { ...this.#longest, steps: this.#steps };
  }

  #orderSoFar(): number[] {
    return [...this.#order.subarray(0, this.#depth)];
  }
}

/**
 * @param operations of one object, sorted by call, without `fail` and without reads of unknown reply
 * @param stepsMax attempts to place an operation
 */
export function search<State>(
  sets: StateSets<State>,
  operations: readonly Operation[],
  stepsMax: number,
): SearchResult {
  return new Search(sets, operations).run(stepsMax);
}
