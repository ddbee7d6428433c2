// At the end of a run: every key read through every node, as part of the history, and compared.

import type { Json } from "../../checking/history.ts";
import { connectTo } from "../clients/connection.ts";
import type { Recorder } from "../clients/recorder.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { question } from "../cluster/status.ts";

/** Clients of the load count from 0; these are told apart from them. */
const firstClient = 1_000_000;

/** Returns in words where nodes differ. Nobody else may write meanwhile. */
export async function readEverything(
  nodes: readonly ChaosNode[],
  keys: readonly string[],
  recorder: Recorder,
): Promise<string[]> {
  const views: ReadonlyMap<string, Json>[] = [];
  for (const node of nodes) views.push(await readThrough(node, keys, recorder));
  return [...differences(keys, views), ...(await differentSizes(nodes))];
}

async function readThrough(
  node: ChaosNode,
  keys: readonly string[],
  recorder: Recorder,
): Promise<Map<string, Json>> {
  const connection = await connectTo("raw", node.address);
  const view = new Map<string, Json>();
  try {
    for (const key of keys) {
      const words = ["GET", key];
      const begun = recorder.begin(firstClient + node.slot, node.slot, words);
      const { kind, res } = recorder.end(begun, await connection.ask(words));
      if (kind !== "ok")
        throw new Error(`the last GET ${key} of node ${node.slot}: ${kind} ${res}`);
      view.set(key, res);
    }
  } finally {
    connection.close();
  }
  return view;
}

/** A key with a TTL may expire between two reads, but no node may bring it back, or change it. */
export function differences(
  keys: readonly string[],
  views: readonly ReadonlyMap<string, Json>[],
): string[] {
  return keys.flatMap((key) => {
    const values = views.map((view) => view.get(key) ?? null);
    const isSame = values.every((value, at) => at === 0 || value === values[at - 1]);
    const gone = values.indexOf(null);
    const hasExpired =
      gone > 0 && new Set(values.slice(0, gone)).size === 1 && values.slice(gone).every(isNull);
    if (isSame || (key.startsWith("text:") && hasExpired)) return [];
    return [`nodes differ at ${key}: ${values.map((value) => JSON.stringify(value)).join(" | ")}`];
  });
}

const isNull = (value: Json): boolean => value === null;

async function differentSizes(nodes: readonly ChaosNode[]): Promise<string[]> {
  const sizes: unknown[] = [];
  for (const { address } of nodes) sizes.push(await question(address, ["DBSIZE"], 5_000));
  return new Set(sizes).size === 1 ? [] : [`DBSIZE differs: ${sizes.join(" | ")}`];
}
