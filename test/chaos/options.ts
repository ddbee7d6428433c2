// The command line of `npm run chaos`.

import { parseArgs } from "node:util";
import { selectFaults } from "./faults/catalogue.ts";
import type { Fault } from "./faults/fault.ts";

export const usage = `Usage: npm run chaos -- [options]
  --faults LIST        names or families, separated by commas, or all (default: all)
  --minutes N          go through the faults again until the time is over (default: each fault once)
  --seconds N          load of one run (default: 20)
  --nodes N            3 or 5 (default: 3; a fault that needs more gets more)
  --mixed              one run draws from all the faults, instead of one fault per run
  --seed N             decides who is hit, when, and what clients ask (default: from the clock)
  --out FILE           results as JSON
  --histories DIR      keep the history of every run as NDJSON (default: only of runs that fail)
  --measure failover   instead: how long a client of another node waits when the leader fails
  --measure incr       instead: 100,000 INCRs through one node while 20 leaders are lost
  --measure snapshot   instead: speed at the leader of two nodes while a third one gets a snapshot
  --measure thin-links instead: large values where links between nodes carry 12.5 and 25 MB/s
  --measure hung-disk  instead: a leader whose disk neither completes nor fails, three times
  --measure returning  instead: a follower that comes back after 100 MiB of writes
  --keys N             keys of the snapshot that is measured (default: 1000000)
  --list               instead: every fault, and whether this machine can do it
`;

export interface Options {
  readonly faults: readonly Fault[];
  /** 0: each fault once. */
  readonly minutes: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly isMixed: boolean;
  readonly seed: number;
  readonly keys: number;
  readonly out: string | null;
  readonly histories: string | null;
  readonly task: "run" | "list" | Measure | "help";
}

const measures = ["failover", "incr", "snapshot", "thin-links", "hung-disk", "returning"] as const;
type Measure = (typeof measures)[number];

const isMeasure = (word: string): word is Measure => measures.some((name) => name === word);

const nodesKnown = [3, 5];

/** @throws {Error} in words for whoever typed it */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      faults: { type: "string", default: "all" },
      minutes: { type: "string", default: "0" },
      seconds: { type: "string", default: "20" },
      nodes: { type: "string", default: "3" },
      mixed: { type: "boolean", default: false },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      keys: { type: "string", default: "1000000" },
      out: { type: "string" },
      histories: { type: "string" },
      measure: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const nodes = numberOf("nodes", values.nodes);
  if (!nodesKnown.includes(nodes)) throw new Error(`--nodes is ${nodesKnown.join(" or ")}`);
  const { measure } = values;
  if (measure !== undefined && !isMeasure(measure)) {
    throw new Error(`--measure knows ${measures.join(", ")}, not ${measure}`);
  }
  return {
    faults: selectFaults(values.faults),
    minutes: numberOf("minutes", values.minutes),
    seconds: numberOf("seconds", values.seconds),
    nodes,
    isMixed: values.mixed,
    seed: numberOf("seed", values.seed),
    keys: numberOf("keys", values.keys),
    out: values.out ?? null,
    histories: values.histories ?? null,
    task: values.help ? "help" : values.list ? "list" : (measure ?? "run"),
  };
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text === "" || !Number.isFinite(number) || number < 0) {
    throw new Error(`--${name} is a number from 0, not "${text}"`);
  }
  return number;
}
