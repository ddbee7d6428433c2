// Replicated settings on one node: CONFIG SET's way into the log, the first values, and `maxmemory` by default.

import { readU53, writeU53 } from "../../bytes.ts";
import { maxmemoryShare, stateBytesMax } from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { Waiter } from "../../net/clients/waiter.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { ErrorReply, type Reply } from "../../resp/reply.ts";
import { humanBytes } from "../../state/commands/server/info-node.ts";
import type { Machine } from "../../state/execution/machine.ts";
import {
  defaultWords,
  firstWords,
  type ReplicatedSetting,
  type SettingsRecord,
  settingsWords,
} from "../../state/execution/settings.ts";
import { settingsName, systemRequest } from "../../state/execution/system-commands.ts";
import { frameKind, type Peers } from "../frames.ts";
import { tellOthers } from "../tell-others.ts";

export type SettingPairs = readonly (readonly [name: ReplicatedSetting, value: string])[];

/** What this node knows of its machine and its configuration. */
export interface OwnSettings {
  /** Of the machine, or of the container around the process. */
  readonly memoryBytes: number;
  /** What the file, the environment or the command line say. */
  readonly given: SettingPairs;
}

export interface SettingsDeskPorts {
  readonly own: OwnSettings | null;
  readonly driver: RaftDriver;
  readonly machine: Machine;
  readonly peers: Pick<Peers, "send">;
  readonly logger: Logger;
  /** As a client's write: PendingWrites.add. */
  readonly write: (waiter: Waiter, source: Buffer, start: number, end: number) => void;
}

export class SettingsDesk {
  readonly #ports: SettingsDeskPorts;
  /** What other members have told of their memory. */
  readonly #memory = new Map<NodeId, number>();
  #isAsking = false;
  /** The version of the settings that was last reported to the operator; -1: none. */
  #reported = -1;

  constructor(ports: SettingsDeskPorts) {
    this.#ports = ports;
  }

  /** As CONFIG GET shows it; null as long as the cluster has set nothing. */
  text(name: ReplicatedSetting): string | null {
    const { settings } = this.#ports.machine;
    return settings.record.version === 0 ? null : settings.text(name);
  }

  isChosen(name: ReplicatedSetting): boolean {
    return name !== "maxmemory" || !this.#ports.machine.settings.record.isDefault;
  }

  /** Resolves when the change is committed and applied here, or with the reason why it may not be. */
  async set(pairs: SettingPairs): Promise<ErrorReply | null> {
    const reply = await this.#submit(settingsWords(pairs));
    return reply instanceof ErrorReply ? reply : null;
  }

  /** Every `tickMs`. */
  tick(): void {
    const { driver, machine, own } = this.#ports;
    if (own === null) return;
    const isUpToDate = driver.core.leader !== null && machine.appliedIndex >= driver.core.commit;
    if (!isUpToDate) return;
    const { record } = machine.settings;
    if (record.version !== this.#reported && record.version > 0) this.#report(record, own);
    if (driver.isLeader && !this.#isAsking) this.#proposeDefault(record, own);
  }

  /** Now and then: what was said once may be lost. */
  announce(): void {
    const { driver, peers, own } = this.#ports;
    if (own === null) return;
    const body = Buffer.alloc(memoryWordBytes);
    writeU53(body, own.memoryBytes, 0);
    tellOthers(driver, peers, frameKind.memory, body);
  }

  /** A frame of `frameKind.memory`. */
  heard(from: NodeId, body: Buffer): void {
    const bytes = body.length === memoryWordBytes ? readU53(body, 0) : 0;
    if (bytes > 0) this.#memory.set(from, bytes);
  }

  #proposeDefault(record: SettingsRecord, own: OwnSettings): void {
    if (!record.isDefault) return;
    const { version } = record;
    const isChosen = version === 0 && own.given.some(([name]) => name === "maxmemory");
    if (isChosen) {
      this.#ask(firstWords(own.given));
      return;
    }
    const smallest = this.#smallestMemory(own.memoryBytes);
    const maxmemory = smallest === null ? record.maxmemory : maxmemoryOf(smallest);
    if (smallest === null || (version > 0 && maxmemory === record.maxmemory)) return;
    this.#ask(defaultWords(version, maxmemory, version === 0 ? own.given : []));
  }

  #ask(words: readonly string[]): void {
    this.#isAsking = true;
    void this.#submit(words).then(() => {
      this.#isAsking = false;
    });
  }

  /** Null: a member has not told yet. */
  #smallestMemory(ownBytes: number): number | null {
    const { core } = this.#ports.driver;
    let smallest = ownBytes;
    for (const { id } of core.membership.members) {
      const bytes = id === core.id ? ownBytes : this.#memory.get(id);
      if (bytes === undefined) return null;
      smallest = Math.min(smallest, bytes);
    }
    return smallest;
  }

  #submit(words: readonly string[]): Promise<Reply> {
    const request = systemRequest([settingsName, ...words]);
    return new Promise((resolve) => {
      const client = { id: 0, database: 0, protocol: 2 } as const;
      const waiter = { ...client, isGone: false, isFull: false, isCrowded: false, reply: resolve };
      this.#ports.write(waiter, request, 0, request.length);
    });
  }

  #report({ maxmemory, isDefault, policy, version }: SettingsRecord, own: OwnSettings): void {
    const { logger, machine } = this.#ports;
    const isFirst = this.#reported === -1;
    this.#reported = version;
    const share = isDefault ? ` (${maxmemoryShare * 100} % of the smallest member's memory)` : "";
    const limit =
      maxmemory === 0
        ? `0 (at most ${humanBytes(stateBytesMax)})`
        : `${maxmemory} (${humanBytes(maxmemory)})`;
    logger.info(`maxmemory is ${limit}${share}, maxmemory-policy is ${policy}`);
    if (!isFirst) return;
    for (const [name, value] of own.given) {
      const applied = machine.settings.text(name);
      if (applied === value) continue;
      logger.warn(
        `this node's configuration says ${name} ${value}, and the cluster has ${applied}: ` +
          `"CONFIG SET ${name} ${value}" would change it on all nodes`,
      );
    }
  }
}

const memoryWordBytes = 8;

function maxmemoryOf(memoryBytes: number): number {
  return Math.min(Math.floor(memoryBytes * maxmemoryShare), stateBytesMax);
}
