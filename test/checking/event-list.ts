// Calls and returns in the order of time, in a doubly linked list from which operations can be lifted.

import { endOf, type Operation } from "./history.ts";

const none = -1;

/**
 * Node `i` is the call of operation `i`, node `size + i` its return. An `info` operation has no return, so
 * nothing ever demands that it was placed. Lifted nodes keep their neighbours: unlifting in reverse order
 * restores the list exactly (Knuth's dancing links).
 */
export class EventList {
  readonly size: number;
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  /** The node of the return that belongs to a call, `none` for `info`. */
  readonly #match: Int32Array;
  readonly #head: number;

  /** @param operations sorted by call */
  constructor(operations: readonly Operation[]) {
    this.size = operations.length;
    this.#head = 2 * this.size;
    this.#next = new Int32Array(2 * this.size + 1).fill(none);
    this.#prev = new Int32Array(2 * this.size + 1).fill(none);
    this.#match = new Int32Array(this.size).fill(none);
    let last = this.#head;
    for (const node of inTime(operations)) {
      this.#next[last] = node;
      this.#prev[node] = last;
      last = node;
      if (node >= this.size) this.#match[node - this.size] = node;
    }
  }

  get first(): number {
    return this.after(this.#head);
  }

  after(node: number): number {
    return this.#next[node] as number;
  }

  isCall(node: number): boolean {
    return node >= 0 && node < this.size;
  }

  /** Takes the call and the return of an operation out. */
  lift(operation: number): void {
    this.#unlink(operation);
    const match = this.#match[operation] as number;
    if (match !== none) this.#unlink(match);
  }

  /** Puts back what was lifted last. */
  unlift(operation: number): void {
    const match = this.#match[operation] as number;
    if (match !== none) this.#link(match);
    this.#link(operation);
  }

  #unlink(node: number): void {
    const before = this.#prev[node] as number;
    const after = this.#next[node] as number;
    this.#next[before] = after;
    if (after !== none) this.#prev[after] = before;
  }

  #link(node: number): void {
    this.#next[this.#prev[node] as number] = node;
    const after = this.#next[node] as number;
    if (after !== none) this.#prev[after] = node;
  }
}

/** Calls come before returns of the same time: such operations overlap. */
function inTime(operations: readonly Operation[]): number[] {
  const size = operations.length;
  const calls = operations.map((_, index) => index);
  const returns = calls.filter((index) => operations[index]?.ret !== null);
  returns.sort((a, b) => timeOfReturn(operations, a) - timeOfReturn(operations, b) || a - b);
  const nodes: number[] = [];
  let at = 0;
  for (const index of returns) {
    const end = timeOfReturn(operations, index);
    while (at < size && (operations[at]?.call ?? 0) <= end) nodes.push(at++);
    nodes.push(size + index);
  }
  while (at < size) nodes.push(at++);
  return nodes;
}

const timeOfReturn = (operations: readonly Operation[], index: number): number =>
  endOf(operations[index] as Operation);
