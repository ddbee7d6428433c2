// Configuration that apply reads: part of the state, changed by entries, equal on every node.

import { ErrorReply, ok, type Reply } from "../../resp/reply.ts";
import { evictionPolicies, evictionPolicyOf, noEviction } from "../keyspace/eviction-policy.ts";
import { traced } from "../keyspace/trace.ts";
import type { Arguments } from "../parse/arguments.ts";

/** As CONFIG names them. */
export const replicatedSettings = ["maxmemory", "maxmemory-policy"] as const;
export type ReplicatedSetting = (typeof replicatedSettings)[number];

export function isReplicatedSetting(name: string): name is ReplicatedSetting {
  return (replicatedSettings as readonly string[]).includes(name);
}

/** What a checkpoint holds. */
export interface SettingsRecord {
  /** The number of changes so far; 0: nobody has set anything yet. */
  readonly version: number;
  /** In bytes; 0: no limit. */
  readonly maxmemory: number;
  /** The leader has derived `maxmemory` from the members' memory, and does so again when that changes. */
  readonly isDefault: boolean;
  readonly policy: string;
}

export const firstSettings: SettingsRecord = {
  version: 0,
  maxmemory: 0,
  isDefault: true,
  policy: noEviction.name,
};

/** Stands for the version where any will do. */
const anyVersion = "*";
/** The setting of the leader that is no choice of anybody. */
const defaultMaxmemory = "maxmemory-default";

/** Words of the internal command (system-commands.ts): the version that is expected, then names and values. */
export function settingsWords(
  pairs: readonly (readonly [name: ReplicatedSetting, value: string])[],
): string[] {
  return [anyVersion, ...pairs.flat()];
}

/** What the configuration of a new cluster's first node says: takes effect only if nothing was set before. */
export function firstWords(
  pairs: readonly (readonly [name: ReplicatedSetting, value: string])[],
): string[] {
  return ["0", ...pairs.flat()];
}

/** Takes effect only if nothing was set since: what a leader proposes of its own accord gives way to a client. */
export function defaultWords(
  version: number,
  maxmemory: number,
  pairs: readonly (readonly [name: ReplicatedSetting, value: string])[] = [],
): string[] {
  return [String(version), defaultMaxmemory, String(maxmemory), ...pairs.flat()];
}

export class Settings {
  #record = firstSettings;
  readonly #changed: (record: SettingsRecord) => void;

  /** `changed` is told of every new record. */
  constructor(changed: (record: SettingsRecord) => void) {
    this.#changed = changed;
  }

  get record(): SettingsRecord {
    return this.#record;
  }
  get maxmemory(): number {
    return this.#record.maxmemory;
  }

  /** As CONFIG GET shows it. */
  text(name: ReplicatedSetting): string {
    return name === "maxmemory" ? String(this.#record.maxmemory) : this.#record.policy;
  }

  /** `words` of `settingsWords` or `defaultWords`. All or nothing; the error is for a word that this version does not know. */
  apply(words: Arguments): Reply {
    const before = this.#record;
    const [version = "", ...pairs] = words;
    if (version !== anyVersion && version !== String(before.version)) return ok;
    let record: SettingsRecord = { ...before, version: before.version + 1 };
    for (let at = 0; at < pairs.length; at += 2) {
      const change = changeOf(pairs[at] ?? "", pairs[at + 1] ?? "");
      if (change === null) return new ErrorReply(`ERR unknown setting '${pairs[at]}'`);
      record = { ...record, ...change };
    }
    this.restore(record);
    return ok;
  }

  restore(record: SettingsRecord): void {
    this.#record = record;
    this.#changed(record);
  }

  /** For the digest of the state. */
  get trace(): number {
    const { version, maxmemory, isDefault, policy } = this.#record;
    const place = evictionPolicies.findIndex(({ name }) => name === policy);
    return [version, maxmemory, Math.floor(maxmemory / 2 ** 32), isDefault ? 1 : 0, place].reduce(
      traced,
      0,
    );
  }
}

function changeOf(name: string, value: string): Partial<SettingsRecord> | null {
  if (name === "maxmemory-policy") {
    return evictionPolicyOf(value) === undefined ? null : { policy: value };
  }
  const maxmemory = Number(value);
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(maxmemory)) return null;
  if (name === "maxmemory") return { maxmemory, isDefault: false };
  return name === defaultMaxmemory ? { maxmemory, isDefault: true } : null;
}

/** From a checkpoint; null when it makes no sense. */
export function soundSettings(value: unknown): SettingsRecord | null {
  if (typeof value !== "object" || value === null) return null;
  const { version, maxmemory, isDefault, policy } = value as Partial<
    Record<keyof SettingsRecord, unknown>
  >;
  const areCounts = [version, maxmemory].every(
    (each) => Number.isSafeInteger(each) && Number(each) >= 0,
  );
  if (!areCounts || typeof isDefault !== "boolean" || typeof policy !== "string") return null;
  if (evictionPolicyOf(policy) === undefined) return null;
  return { version: version as number, maxmemory: maxmemory as number, isDefault, policy };
}
