// Runs a nondeterministic model as a deterministic one over sets of states, each known by a small integer.

import { assert } from "../../src/assert.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";

/** The set without states: the operation does not fit. */
export const impossible = 0;

/** Numbers values by their text, from 0, so that equality is `===`. */
class Interner<Value> {
  readonly values: Value[] = [];
  readonly #numbers = new Map<string, number>();

  intern(text: string, value: Value): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.values.length);
    return this.values.push(value) - 1;
  }
}

/** The power-set construction over a model, with a memory of the transitions that were taken. */
export class StateSets<State> {
  readonly initial: number;
  readonly #model: Model<State>;
  readonly #operations: readonly Operation[];
  readonly #states = new Interner<State>();
  /** Each a sorted list of numbers of states. */
  readonly #sets = new Interner<readonly number[]>();
  /** By set * operations + operation. */
  readonly #steps = new Map<number, number>();

  /** @param operations the operations of one partition; `step` takes their positions */
  constructor(model: Model<State>, operations: readonly Operation[]) {
    this.#model = model;
    this.#operations = operations;
    assert(this.#internSet([]) === impossible, "the empty set is the first one");
    this.initial = this.#internSet([model.initial]);
  }

  /** The states after the operation, or `impossible`. */
  step(set: number, operation: number): number {
    const transition = set * this.#operations.length + operation;
    const known = this.#steps.get(transition);
    if (known !== undefined) return known;
    const record = this.#operations[operation];
    assert(record !== undefined, "the operation is one of the partition");
    const next = this.#internSet(
      this.#statesOf(set).flatMap((state) => this.#model.step(state, record)),
    );
    this.#steps.set(transition, next);
    return next;
  }

  describe(set: number): string {
    return this.#statesOf(set)
      .map((state) => this.#model.identify(state))
      .join(", or ");
  }

  #statesOf(set: number): State[] {
    return (this.#sets.values[set] ?? []).map((number) => this.#states.values[number] as State);
  }

  #internSet(states: readonly State[]): number {
    const numbers = states.map((state) => this.#states.intern(this.#model.identify(state), state));
    const sorted = [...new Set(numbers)].sort((a, b) => a - b);
    return this.#sets.intern(sorted.join(), sorted);
  }
}
