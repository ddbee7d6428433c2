// Chooses which key goes next, as the leader does it: by sampling, with what this node knows of how keys are used.

import type { Bytes } from "../../resp/reply.ts";
import type { EvictionPolicy } from "./eviction-policy.ts";
import { EvictionPool } from "./eviction-pool.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Partition } from "./partition.ts";
import type { PhysicalDatabase } from "./physical-database.ts";

export interface Victim {
  /** The number of its database. */
  readonly database: number;
  readonly key: Bytes;
  /** What its removal takes from `used`. */
  readonly bytes: number;
}

export interface ChoiceOptions {
  /** In [0, 1). */
  readonly random: () => number;
  readonly nowMs: () => number;
  /** `maxmemory-samples`. */
  readonly samples: () => number;
  /** Chosen before, and not removed yet. */
  readonly isDoomed: (database: number, key: Bytes) => boolean;
}

/** A partition of fewer keys for each sample is too small to stand for its database. */
const keysPerSample = 8;
/** Samples without a victim before there seems to be none. */
const emptySamplesMax = 16;

export class Victims {
  readonly #keyspace: Keyspace;
  readonly #options: ChoiceOptions;
  readonly #pool = new EvictionPool();
  #policy: EvictionPolicy | null = null;

  constructor(keyspace: Keyspace, options: ChoiceOptions) {
    this.#keyspace = keyspace;
    this.#options = options;
  }

  /** Null: none was found. */
  next(): Victim | null {
    const { policy } = this.#keyspace;
    if (policy !== this.#policy) this.#pool.clear();
    this.#policy = policy;
    if (policy.keys === "none") return null;
    for (let round = 0; round < emptySamplesMax; round++) {
      this.#sample(policy);
      for (let best = this.#pool.takeBest(); best !== undefined; best = this.#pool.takeBest()) {
        const victim = this.#asVictim(best.database, best.key);
        if (victim !== null) return victim;
      }
    }
    return null;
  }

  #sample(policy: EvictionPolicy): void {
    const { databases } = this.#keyspace;
    // Of random keys there is no better one.
    const samples = policy.first === "random" ? 1 : this.#options.samples();
    const total = databases.reduce((sum, database) => sum + sizeOf(database, policy), 0);
    if (total === 0) return;
    const share = this.#options.random() * total;
    let before = 0;
    for (const database of databases) {
      before += sizeOf(database, policy);
      if (share >= before) continue;
      this.#sampleOf(database, policy, samples);
      return;
    }
  }

  #sampleOf(database: PhysicalDatabase, policy: EvictionPolicy, samples: number): void {
    if (policy.keys === "volatile") this.#sampleVolatile(database, policy, samples);
    else this.#sampleAll(database, policy, samples);
  }

  /** Keys with an expiry, and no others, stand in the due heap. */
  #sampleVolatile(database: PhysicalDatabase, policy: EvictionPolicy, samples: number): void {
    const { due } = database;
    for (let sample = 0; sample < samples; sample++) {
      const address = due.addressAt(Math.floor(this.#options.random() * due.size));
      const { partition, position } = this.#keyspace.placeOf(address);
      this.#offer(database, policy, partition, position);
    }
  }

  /** A walk over all partitions finds one for a place by chance; a large one then gives all samples of this look. */
  #sampleAll(database: PhysicalDatabase, policy: EvictionPolicy, samples: number): void {
    const { random } = this.#options;
    let place = database.at(Math.floor(random() * database.size));
    for (let sample = 1; ; sample++) {
      this.#offer(database, policy, place.partition, place.position);
      if (sample >= samples) return;
      const { partition } = place;
      if (partition.size < samples * keysPerSample) {
        place = database.at(Math.floor(random() * database.size));
      } else place = { partition, position: Math.floor(random() * partition.size) };
    }
  }

  #offer(
    database: PhysicalDatabase,
    policy: EvictionPolicy,
    partition: Partition,
    position: number,
  ): void {
    const score = this.#score(policy, partition, position);
    this.#pool.offer({ database: database.id, key: partition.key(position), score });
  }

  #score(policy: EvictionPolicy, partition: Partition, position: number): number {
    const { access } = this.#keyspace;
    const nowMs = this.#options.nowMs();
    if (policy.first === "idle") return access.idleSeconds(partition.access(position), nowMs);
    if (policy.first === "rare") return -access.count(partition.access(position), nowMs);
    if (policy.first === "random") return 0;
    const at = partition.expiryAt(position);
    return at === undefined ? Number.NEGATIVE_INFINITY : -Number(at);
  }

  /** Null: the key has gone, has lost its expiry, or is doomed already. */
  #asVictim(id: number, key: Bytes): Victim | null {
    const database = this.#keyspace.databases.findIndex((each) => each.id === id);
    if (database === -1 || this.#options.isDoomed(database, key)) return null;
    const found = this.#keyspace.locate(database, key);
    if (found === null) return null;
    const { partition, position } = found;
    if (this.#policy?.keys === "volatile" && partition.expiryAt(position) === undefined)
      return null;
    return { database, key, bytes: partition.bytesAt(position) };
  }
}

function sizeOf(database: PhysicalDatabase, { keys }: EvictionPolicy): number {
  return keys === "volatile" ? database.expires : database.size;
}
