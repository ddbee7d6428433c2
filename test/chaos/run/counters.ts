// INCR on one key by many clients: every reply is another number, in the order of real time, and none is missing.

import { inWords, type Operation } from "../../checking/history.ts";

/** What contradicts a counter that begins at 0; the history has its INCRs and the GETs at the end. */
export function checkCounters(history: readonly Operation[]): string[] {
  const byKey = new Map<string, Operation[]>();
  for (const operation of history) {
    const key = String(operation.args[0]);
    const operations = byKey.get(key) ?? [];
    byKey.set(key, operations);
    operations.push(operation);
  }
  return [...byKey].flatMap(([key, operations]) => checkCounter(key, operations));
}

function checkCounter(key: string, operations: readonly Operation[]): string[] {
  const increments = operations.filter(({ op }) => op === "incr");
  const acknowledged = increments.filter(({ kind }) => kind === "ok");
  const unknown = increments.filter(({ kind }) => kind === "info").length;
  const anomalies = [...repeated(key, acknowledged), ...backward(key, acknowledged)];
  const reads = operations.filter(({ op, kind }) => op === "get" && kind === "ok");
  const [low, high] = [acknowledged.length, acknowledged.length + unknown];
  for (const read of reads) {
    const sum = Number(read.res ?? 0);
    if (sum >= low && sum <= high) continue;
    anomalies.push(
      `${key}: ${low} increments were acknowledged and the fate of ${unknown} is unknown, but the sum is ${sum}:\n  ${inWords(read)}`,
    );
  }
  return anomalies;
}

/** One number for two increments: one of them was lost. */
function repeated(key: string, acknowledged: readonly Operation[]): string[] {
  const first = new Map<number, Operation>();
  for (const operation of acknowledged) {
    const reply = Number(operation.res);
    const other = first.get(reply);
    if (other !== undefined) {
      return [
        `${key}: two increments replied ${reply}:\n  ${inWords(other)}\n  ${inWords(operation)}`,
      ];
    }
    first.set(reply, operation);
  }
  return [];
}

/** A reply that is not above one that had returned before the increment was called. */
function backward(key: string, acknowledged: readonly Operation[]): string[] {
  const byCall = [...acknowledged].sort((a, b) => a.call - b.call);
  const byReturn = [...acknowledged].sort((a, b) => (a.ret ?? 0) - (b.ret ?? 0));
  let highest: Operation | null = null;
  let returned = 0;
  for (const operation of byCall) {
    for (; ; returned++) {
      const next: Operation | undefined = byReturn[returned];
      if (next === undefined || (next.ret ?? 0) >= operation.call) break;
      if (highest === null || Number(next.res) > Number(highest.res)) highest = next;
    }
    if (highest !== null && Number(operation.res) <= Number(highest.res)) {
      return [`${key}: runs backward:\n  ${inWords(highest)}\n  ${inWords(operation)}`];
    }
  }
  return [];
}
