// Is there one order of all operations, within their intervals, that explains every reply?
//
// Wing and Gong, "Testing and verifying concurrent objects" (1993); Lowe, "Testing for linearizability"
// (2017); Herlihy and Wing, "Linearizability" (1990). The search is that of porcupine.

import { assert } from "../../src/assert.ts";
import { explainDeadEnd } from "./explain-dead-end.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";
import { search } from "./search.ts";
import { StateSets } from "./state-sets.ts";

/**
 * Attempts to place an operation, per object. A good history needs a few per operation; each costs up to
 * some 300 bytes, so this is also the bound of memory.
 */
export const stepsMaxDefault = 1_000_000;

export interface Linearizable {
  readonly verdict: "linearizable";
  /** By object: a legal order. An `info` operation that is missing need not have taken effect. */
  readonly witness: ReadonlyMap<string, readonly Operation[]>;
  readonly steps: number;
}

export interface NotLinearizable {
  readonly verdict: "not-linearizable";
  readonly partition: string;
  /** The longest legal order that was found. */
  readonly prefix: readonly Operation[];
  /** The operation that returned before it could be placed after `prefix`. */
  readonly blocked: Operation;
  /** Several lines for the one who looks for the bug. */
  readonly explanation: string;
  readonly steps: number;
}

export interface Unknown {
  readonly verdict: "unknown";
  /** The objects on which the budget ran out; all others are linearizable. */
  readonly partitions: readonly string[];
  readonly steps: number;
}

export type Verdict = Linearizable | NotLinearizable | Unknown;

interface Partition {
  /** Sorted by call. */
  readonly operations: Operation[];
  readonly failed: Operation[];
}

/** The verdict on a history: of the first object that is not linearizable, else of all together. */
export function checkLinearizability<State>(
  model: Model<State>,
  history: readonly Operation[],
  stepsMax = stepsMaxDefault,
): Verdict {
  const witness = new Map<string, readonly Operation[]>();
  const unknown: string[] = [];
  let steps = 0;
  for (const [partition, { operations, failed }] of partitionsOf(model, history)) {
    const sets = new StateSets(model, operations);
    const result = search(sets, operations, stepsMax);
    steps += result.steps;
    if (result.verdict === "unknown") {
      unknown.push(partition);
      continue;
    }
    const order = result.order.map((index) => operationAt(operations, index));
    if (result.verdict === "not-linearizable") {
      const blocked = operationAt(operations, result.blocked);
      const explanation = explainDeadEnd({ partition, operations, failed, sets, deadEnd: result });
      return { verdict: "not-linearizable", partition, prefix: order, blocked, explanation, steps };
    }
    witness.set(partition, order);
  }
  return unknown.length > 0
    ? { verdict: "unknown", partitions: unknown, steps }
    : { verdict: "linearizable", witness, steps };
}

function operationAt(operations: readonly Operation[], index: number): Operation {
  const operation = operations[index];
  assert(operation !== undefined, "a position in the partition");
  return operation;
}

/**
 * What never took effect is not searched for: a reply that shows it has then no explanation. A read whose
 * reply nobody saw says nothing, and would only double the search.
 */
function partitionsOf<State>(
  model: Model<State>,
  history: readonly Operation[],
): Map<string, Partition> {
  const partitions = new Map<string, Partition>();
  const inOrder = [...history].sort((a, b) => a.call - b.call || a.id - b.id);
  for (const operation of inOrder) {
    const name = model.partitionOf(operation);
    const partition = partitions.get(name) ?? { operations: [], failed: [] };
    partitions.set(name, partition);
    if (operation.kind === "fail") partition.failed.push(operation);
    else if (operation.kind === "ok" || !model.isRead(operation)) {
      partition.operations.push(operation);
    }
  }
  return partitions;
}
