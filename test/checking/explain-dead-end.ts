// Words for a history that is not linearizable: which operation could not be placed, and what lay around it.

import { assert } from "../../src/assert.ts";
import { endOf, inWords, type Operation } from "./history.ts";
import type { DeadEnd } from "./search.ts";
import { impossible, type StateSets } from "./state-sets.ts";

/** As many operations before the dead end are shown; the whole order is in the verdict. */
const placedShownMax = 8;

export interface Ended<State> {
  readonly partition: string;
  readonly operations: readonly Operation[];
  readonly failed: readonly Operation[];
  readonly sets: StateSets<State>;
  readonly deadEnd: DeadEnd;
}

export function explainDeadEnd<State>(ended: Ended<State>): string {
  const { partition, operations, sets, deadEnd } = ended;
  const { order, state } = deadEnd;
  const blocked = operations[deadEnd.blocked];
  assert(blocked !== undefined, "the blocked operation is one of the partition");
  const shown = order.slice(-placedShownMax).map((index) => operations[index] as Operation);
  return [
    `${partition} is not linearizable: no order of its ${operations.length} operations explains all replies.`,
    `The longest legal order has ${order.length}; before anything else can follow, this one has returned:`,
    `  ${inWords(blocked)}`,
    ...section(`The last ${shown.length} in that order:`, shown.map(inWords)),
    `State after them: ${sets.describe(state)}`,
    ...section("Open then, and not placed:", openOperations(ended, blocked)),
    ...section("Definitely not executed, but its value was seen:", seenFailures(ended, blocked)),
  ].join("\n");
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];

/** Every operation that could have come next: called before the blocked one had returned. */
function openOperations<State>(ended: Ended<State>, blocked: Operation): string[] {
  const { operations, sets, deadEnd } = ended;
  const placed = new Set(deadEnd.order);
  return operations.flatMap((operation, index) => {
    if (placed.has(index) || operation.call > endOf(blocked)) return [];
    const fits = sets.step(deadEnd.state, index) !== impossible;
    return `${inWords(operation)}: ${fits ? "fits, but then nothing goes on" : "does not fit the state"}`;
  });
}

const seenFailures = <State>({ failed }: Ended<State>, blocked: Operation): string[] =>
  failed
    .filter(({ args }) => blocked.res !== null && args.slice(1).includes(blocked.res))
    .map(inWords);
