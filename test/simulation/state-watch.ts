// What is promised of the state: after the same entry it is the same on every node, and its time never runs back.

import { crc32 } from "node:zlib";
import type { Machine } from "../../src/state/execution/machine.ts";
import { proposalKind, readHeader } from "../../src/state/execution/proposal.ts";
import { ensure, type World } from "./world.ts";

/** Every so many entries the whole state is compared, else its measures. */
const wholeEvery = 16;

export class StateWatch {
  readonly #world: World;
  /** By applied index. */
  readonly #measures: number[] = [];
  readonly #wholes = new Map<number, number>();
  readonly #logTimes: number[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** The state came from a checkpoint, of this node or of another. */
  restored(node: number, machine: Machine): void {
    this.#logTimes[node] = machine.logTimeMs;
    if (machine.appliedIndex > 0) this.#agree(node, machine);
  }

  /** From now on every entry that the machine applies is looked at. */
  watch(node: number, machine: Machine): void {
    const apply = machine.apply.bind(machine);
    const goOn = machine.goOn.bind(machine);
    machine.apply = (...given) => {
      const { kind } = readHeader(given[0].data);
      const { counters } = machine.keyspace;
      const before = counters.evictedKeys;
      const isWhole = this.#looked(node, machine, () => apply(...given));
      if (counters.evictedKeys > before) {
        const isLeaders = kind === proposalKind.system;
        this.#world.marks.met(isLeaders ? "key evicted by the leader" : "key evicted by chance");
      }
      return isWhole;
    };
    machine.goOn = (...given) => this.#looked(node, machine, () => goOn(...given));
  }

  #looked(node: number, machine: Machine, act: () => boolean): boolean {
    const { marks } = this.#world;
    const { counters } = machine.keyspace;
    const before = counters.expiredKeys;
    const isWhole = act();
    if (counters.expiredKeys > before) marks.met("key expired by the log");
    if (isWhole) this.#agree(node, machine);
    else marks.met("entry applied in slices");
    return isWhole;
  }

  #agree(node: number, machine: Machine): void {
    const { logTimeMs, appliedIndex, keyspace } = machine;
    ensure(logTimeMs >= (this.#logTimes[node] ?? 0), "13 log time", () => {
      return `log time of node ${node} runs back to ${logTimeMs}`;
    });
    this.#logTimes[node] = logTimeMs;
    const { size, expires } = keyspace.database(0);
    const measure = logTimeMs * 4096 + size * 64 + expires;
    const known = this.#measures[appliedIndex];
    if (known === undefined) this.#measures[appliedIndex] = measure;
    ensure(known === undefined || known === measure, "5 state machine safety", () => {
      return `node ${node} differs after entry ${appliedIndex} in time, keys or expiries`;
    });
    if (appliedIndex % wholeEvery === 0) this.compare(node, machine);
  }

  /** The whole state against that of whoever was there before. */
  compare(node: number, machine: Machine): void {
    const { appliedIndex } = machine;
    const digest = digestOf(machine);
    const known = this.#wholes.get(appliedIndex);
    if (known === undefined) this.#wholes.set(appliedIndex, digest);
    ensure(known === undefined || known === digest, "5 state machine safety", () => {
      return `the state of node ${node} after entry ${appliedIndex} is another`;
    });
  }
}

/** Of everything that is replicated: keys in their order, values, expiries, and who wrote how much. */
export function digestOf(machine: Machine): number {
  const replicated = [machine.origins.list(), machine.settings.record, machine.keyspace.used];
  let digest = crc32(JSON.stringify(replicated), machine.logTimeMs % 2 ** 32);
  for (const partition of machine.keyspace.database(0).filledPartitions()) {
    for (let at = 0; at < partition.size; at += 1) {
      const expiry = String(partition.expiryAt(at));
      digest = crc32(`${at} ${partition.key(at)} ${expiry} ${partition.value(at)}`, digest);
    }
  }
  return digest;
}
