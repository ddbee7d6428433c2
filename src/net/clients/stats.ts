// Counters of this node behind INFO. Local, never replicated.

import type { ErrorReply } from "../../resp/reply.ts";
import { fullName } from "../../state/commands/derive.ts";
import type { Stats } from "../../state/commands/session-context.ts";
import type { Command } from "../../state/commands/spec.ts";
import type { KeyspaceCounters } from "../../state/keyspace/keyspace.ts";

export interface CommandStat {
  calls: number;
  failed: number;
  rejected: number;
}

/** Error words kept apart; beyond it they are only counted together. */
const errorWordsMax = 128;

/** The state machine's own counters, summed over all commands it ran on this node. */
export type StateCounters = Pick<
  KeyspaceCounters,
  "expiredKeys" | "evictedKeys" | "hits" | "misses"
>;

export class NodeStats implements Stats {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  inputBytes = 0;
  outputBytes = 0;
  errorReplies = 0;
  commandsPerSecond = 0;
  readonly commands = new Map<string, CommandStat>();
  readonly errors = new Map<string, number>();
  readonly #state: StateCounters;
  #base: StateCounters = { expiredKeys: 0, evictedKeys: 0, hits: 0, misses: 0 };
  #sampled = 0;

  constructor(state: StateCounters) {
    this.#state = state;
  }

  get expiredKeys(): number {
    return this.#state.expiredKeys - this.#base.expiredKeys;
  }
  get evictedKeys(): number {
    return this.#state.evictedKeys - this.#base.evictedKeys;
  }
  get keyspaceHits(): number {
    return this.#state.hits - this.#base.hits;
  }
  get keyspaceMisses(): number {
    return this.#state.misses - this.#base.misses;
  }

  /** The counters of one command; whoever runs it keeps the object and adds to it. */
  of(command: Command): CommandStat {
    const name = fullName(command);
    let stat = this.commands.get(name);
    if (stat === undefined) {
      stat = { calls: 0, failed: 0, rejected: 0 };
      this.commands.set(name, stat);
    }
    return stat;
  }

  countError(reply: ErrorReply): void {
    this.errorReplies++;
    const space = reply.text.indexOf(" ");
    const word = space < 0 ? reply.text : reply.text.slice(0, space);
    const known = this.errors.get(word);
    if (known !== undefined || this.errors.size < errorWordsMax) {
      this.errors.set(word, (known ?? 0) + 1);
    }
  }

  /** Once a second: a running mean of the commands per second over about four seconds. */
  sample(seconds: number): void {
    const rate = (this.commandsProcessed - this.#sampled) / seconds;
    this.commandsPerSecond += (rate - this.commandsPerSecond) / 4;
    this.#sampled = this.commandsProcessed;
  }

  reset(): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.commandsProcessed = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.errorReplies = 0;
    this.#sampled = 0;
    for (const stat of this.commands.values()) Object.assign(stat, noCalls);
    this.errors.clear();
    const { expiredKeys, evictedKeys, hits, misses } = this.#state;
    this.#base = { expiredKeys, evictedKeys, hits, misses };
  }
}

const noCalls: CommandStat = { calls: 0, failed: 0, rejected: 0 };
