// What one operation costs in the state itself, from 10 thousand to 10 million keys: `npm run bench -- --flat`.

import { createDatabases } from "../src/state/keyspace/database.ts";
import { Keyspace } from "../src/state/keyspace/keyspace.ts";

const sizes = [10_000, 100_000, 1_000_000, 10_000_000] as const;
const operationsMax = 500_000;
/** Until V8 has compiled it all. */
const warmUpKeys = 400_000;
const value = "v".repeat(16);

export const operations = ["add", "get", "replace", "expire", "delete"] as const;

export interface Flatness {
  readonly keys: number;
  /** Of each of `operations`: mean nanoseconds, and the longest single one in milliseconds. */
  readonly costs: readonly { readonly ns: number; readonly longestMs: number }[];
}

/** Keys of 16 bytes, added in order, then picked by chance. Collections of garbage count, whatever they collect. */
export function measureFlatness(progress: (line: string) => void): readonly Flatness[] {
  measure(warmUpKeys);
  return sizes.map((keys) => {
    progress(`${keys.toLocaleString("en")} keys`);
    return measure(keys);
  });
}

function measure(keys: number): Flatness {
  const keyspace = new Keyspace(1, 1);
  const [database] = createDatabases(keyspace);
  if (database === undefined) throw new Error("a keyspace has a database");
  const count = Math.min(keys / 2, operationsMax);
  const mixed = () => keyOf(Math.floor(Math.random() * keys));
  const costs = [
    timed(keys, keyOf, (key) => database.replace(key, value)),
    timed(count, mixed, (key) => database.string(key)),
    timed(count, mixed, (key) => database.replace(key, value)),
    timed(count, mixed, (key) => database.setExpireAt(key, 4e12 + Math.random() * 1e9)),
    timed(count, mixed, (key) => database.delete(key)),
  ];
  return { keys, costs };
}

const keyOf = (number: number): string => `key:${String(number).padStart(12, "0")}`;

/**
 * Keys come in blocks, made before the clock runs; as one that a client has sent, none is a rope of strings. Every other
 * block is timed as a whole, for the mean, and the rest key by key, for the longest.
 */
function timed(count: number, key: (nth: number) => string, operate: (key: string) => void) {
  const block = 1_000;
  let wholeMs = 0;
  let longestMs = 0;
  for (let first = 0; first < count; first += block) {
    const keys = Array.from({ length: block }, (_, nth) =>
      Buffer.from(key(first + nth), "latin1").toString("latin1"),
    );
    const began = performance.now();
    if (first % (2 * block) === 0) {
      for (const each of keys) operate(each);
      wholeMs += performance.now() - began;
    } else {
      for (const each of keys) {
        const at = performance.now();
        operate(each);
        longestMs = Math.max(longestMs, performance.now() - at);
      }
    }
  }
  return { ns: (2 * wholeMs * 1e6) / count, longestMs };
}
