// The leader's evictions: chooses keys, and puts their removal into the log before the writes that need the room.

import {
  batchBytesMax,
  evictionChoiceMs,
  evictionHeadroomShare,
  evictionKeysMax,
} from "../../constants.ts";
import type { EntryId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Bytes } from "../../resp/reply.ts";
import { stepKeys } from "../../state/commands/sliced.ts";
import type { Machine } from "../../state/execution/machine.ts";
import { BatchBuilder, systemProposal } from "../../state/execution/proposal.ts";
import { evictName, systemRequest } from "../../state/execution/system-commands.ts";
import { type Victim, Victims } from "../../state/keyspace/victims.ts";
import { roomBound } from "../../state/memory/records.ts";
import { Fifo } from "./fifo.ts";

/** Settings of this node alone, which count while it leads. */
export interface EvictionOptions {
  /** `maxmemory-samples`. */
  readonly samples: number;
  /** `maxmemory-eviction-tenacity`. */
  readonly tenacity: number;
}

export const defaultEviction: EvictionOptions = { samples: 5, tenacity: 10 };

export interface EvictorPorts {
  readonly driver: Pick<RaftDriver, "isLeader" | "propose" | "core">;
  readonly machine: Machine;
  readonly options: () => EvictionOptions;
  readonly random: () => number;
  /** The log clock, in Unix ms. */
  readonly nowMs: () => number;
  /** What the next entry is stamped with; null: not known yet. */
  readonly stampMs: () => number | null;
  /** A clock that only ever goes forward, in ms. */
  readonly monotonicMs: () => number;
}

/** What is to be evicted before some writes. */
export interface Eviction {
  readonly victims: readonly Victim[];
  /** What the victims take. */
  readonly bytes: number;
}

/** Ordered in this term, and not applied here yet. */
interface UnderWay {
  readonly index: number;
  /** The room that it may need, and that it makes. */
  readonly needs: number;
  readonly frees: number;
  readonly victims: readonly Victim[];
}

/** With its name a request of no more words than are applied in one step. */
const keysPerRequest = stepKeys - 1;
/** A tick may choose for as long as before so many writes: half of the time, until there is room. */
const tickRequests = 10;
/** Victims between two looks at the clock. */
const victimsPerLook = 16;
const none: readonly Victim[] = [];
const nothing: Eviction = { victims: none, bytes: 0 };

/**
 * How much room a write needs is known only when it is applied; its bytes are taken for it. Where that is too little,
 * apply evicts by chance (Machine), so a wrong guess costs a good choice of keys and nothing else.
 */
export class Evictor {
  readonly #ports: EvictorPorts;
  readonly #victims: Victims;
  readonly #builder = new BatchBuilder();
  #underWay = new Fifo<UnderWay>();
  #needs = 0;
  #frees = 0;
  readonly #doomed = new Set<string>();
  #term = 0;

  constructor(ports: EvictorPorts) {
    this.#ports = ports;
    const { machine, random, nowMs, options } = ports;
    this.#victims = new Victims(machine.keyspace, {
      ...{ random, nowMs },
      samples: () => options().samples,
      isDoomed: (database, key) => this.#doomed.has(nameOf(database, key)),
    });
  }

  /** What has to go before writes of so many bytes; this node leads. */
  before(bytes: number, count: number): Eviction {
    if (!this.#isOn) return nothing;
    return this.#choose(roomBound(bytes, count), count);
  }

  /** The entry of an eviction; null when there is nothing to evict. */
  entryOf({ victims }: Eviction, timeMs: number): Uint8Array | null {
    if (victims.length === 0) return null;
    const byDatabase = new Map<number, Bytes[]>();
    for (const { database, key } of victims) {
      const keys = byDatabase.get(database);
      if (keys === undefined) byDatabase.set(database, [key]);
      else keys.push(key);
    }
    for (const [database, keys] of byDatabase) {
      for (let at = 0; at < keys.length; at += keysPerRequest) {
        const request = systemRequest([evictName, ...keys.slice(at, at + keysPerRequest)]);
        this.#builder.add(database, 2, 0, request, 0, request.length);
      }
    }
    const count = this.#builder.requestCount;
    return systemProposal(timeMs, count, this.#builder.take());
  }

  /** The eviction, if it has any victims, and the writes behind it are in the log: the last of `ids` is theirs. */
  ordered(ids: readonly EntryId[], eviction: Eviction, bytes: number, count: number): void {
    const last = ids.at(-1);
    if (!this.#isOn || last === undefined) return;
    const needs = count === 0 ? 0 : roomBound(bytes, count);
    const { victims, bytes: frees } = eviction;
    for (const { database, key } of victims) this.#doomed.add(nameOf(database, key));
    this.#underWay.push({ index: last.index, needs, frees, victims });
    this.#needs += needs;
    this.#frees += frees;
  }

  applied(index: number): void {
    for (let first = this.#underWay.first(); first !== undefined; first = this.#underWay.first()) {
      if (first.index > index) return;
      this.#underWay.shift();
      this.#needs -= first.needs;
      this.#frees -= first.frees;
      for (const { database, key } of first.victims) this.#doomed.delete(nameOf(database, key));
    }
  }

  /** Every `tickMs`: a lower limit, or writes that took more than they seemed to, call for evictions without any write. */
  tick(): void {
    const { driver, stampMs } = this.#ports;
    if (!driver.isLeader || !this.#isOn) return;
    const eviction = this.#choose(0, tickRequests);
    const timeMs = eviction.victims.length === 0 ? null : stampMs();
    const entry = timeMs === null ? null : this.entryOf(eviction, timeMs);
    const ids = entry === null ? null : driver.propose([entry]);
    if (ids !== null) this.ordered(ids, eviction, 0, 0);
  }

  /** Keys may be evicted, and there is a limit. */
  get #isOn(): boolean {
    const { settings, keyspace } = this.#ports.machine;
    const isOn = settings.maxmemory > 0 && keyspace.policy.keys !== "none";
    const { term } = this.#ports.driver.core;
    if ((!isOn || term !== this.#term) && this.#underWay.length > 0) this.#forget();
    this.#term = term;
    return isOn;
  }

  #choose(room: number, count: number): Eviction {
    let lack = this.#lack(room);
    if (lack <= 0) return nothing;
    const { monotonicMs, options } = this.#ports;
    const untilMs = monotonicMs() + choiceMs(options().tenacity, count);
    const victims: Victim[] = [];
    let bytes = 0;
    let named = 0;
    // Keys may be as long as a request, and an entry names them: no more of them than a batch holds.
    while (lack > 0 && victims.length < evictionKeysMax && named < batchBytesMax) {
      const victim = this.#victims.next();
      if (victim === null) break;
      // Until they are ordered, so that none is chosen twice.
      this.#doomed.add(nameOf(victim.database, victim.key));
      victims.push(victim);
      named += victim.key.length;
      bytes += victim.bytes;
      lack -= victim.bytes;
      if (victims.length % victimsPerLook === 0 && monotonicMs() >= untilMs) break;
    }
    for (const { database, key } of victims) this.#doomed.delete(nameOf(database, key));
    return { victims, bytes };
  }

  /** What would be used above the limit, if everything under way needed all that it may need. */
  #lack(room: number): number {
    const { settings, keyspace } = this.#ports.machine;
    const { maxmemory } = settings;
    const ahead = Math.min(this.#needs + room, maxmemory * evictionHeadroomShare);
    return keyspace.used + ahead - this.#frees - maxmemory;
  }

  #forget(): void {
    this.#underWay = new Fifo();
    this.#needs = 0;
    this.#frees = 0;
    this.#doomed.clear();
  }
}

function nameOf(database: number, key: Bytes): string {
  return `${database} ${key}`;
}

/** Redis' limits on the time of one eviction (evictionTimeLimitUs), for each request of a batch, but never long. */
function choiceMs(tenacity: number, count: number): number {
  const perRequestMs = tenacity <= 10 ? 0.05 * tenacity : 0.5 * 1.15 ** (tenacity - 10);
  return tenacity >= 100
    ? evictionChoiceMs
    : Math.min(evictionChoiceMs, perRequestMs * Math.max(1, count));
}
