// Messages on their way: in any order, or as over connections, where short ones overtake entries and order holds otherwise.

import { assert } from "../../src/assert.ts";
import { entryBytes } from "../../src/raft/core/log.ts";
import type { Message } from "../../src/raft/core/types.ts";
import type { Chance } from "./raft-chance.ts";

export interface NetworkOptions {
  /** A full network loses a message for each new one; a small one has a small delay. */
  readonly messagesMax: number;
  /** An entry of more bytes is sent once and not again while it is on its way, unless something was lost. */
  readonly probeBytesMax: number;
}

const isBulk = ({ type }: Message): boolean => type === "appendEntries";

export class Network {
  readonly #chance: Chance;
  readonly #options: NetworkOptions;
  readonly #messages: Message[] = [];
  /** Links and terms in which entries were lost, or overtaken by a snapshot: a late answer may have them sent again. */
  readonly #lossy = new Set<string>();
  /** Each link has two queues, one for entries and one for all the rest; nothing comes twice. */
  readonly isOrdered: boolean;
  /** How often entries stay on their way when it would be their turn. */
  readonly #bulkDelay: number;

  constructor(chance: Chance, options: NetworkOptions) {
    this.#chance = chance;
    this.#options = options;
    this.isOrdered = chance.coin(0.4);
    this.#bulkDelay = chance.coin(0.5) ? chance.random() * 0.95 : 0;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  send(message: Message): void {
    if (this.isOrdered) this.#sendInOrder(message);
    else if (this.#messages.length < this.#options.messagesMax) this.#messages.push(message);
    else this.#messages[this.#chance.below(this.#options.messagesMax)] = message;
  }

  #sendInOrder(message: Message): void {
    this.#checkEntries(message);
    if (this.#messages.length >= this.#options.messagesMax)
      this.lost(...this.#messages.splice(this.#chance.below(this.#options.messagesMax), 1));
    this.#messages.push(message);
  }

  /** These do not arrive. */
  lost(...messages: readonly Message[]): void {
    for (const message of messages) if (isBulk(message)) this.#lossy.add(linkIn(message));
  }

  #checkEntries(message: Message): void {
    if (this.#lossy.has(linkIn(message))) return;
    for (const index of this.#largeEntries(message)) {
      const isOnItsWay = this.#messages.some(
        (other) => linkIn(other) === linkIn(message) && this.#largeEntries(other).includes(index),
      );
      assert(
        !isOnItsWay,
        `the large entry ${index} is sent to ${message.to} while it is on its way`,
      );
    }
  }

  #largeEntries(message: Message): readonly number[] {
    if (message.type !== "appendEntries") return [];
    const large = message.entries.filter(
      (entry) => entryBytes(entry) > this.#options.probeBytesMax,
    );
    return large.map(({ index }) => index);
  }

  /** A snapshot arrives, which in truth comes behind the entries that were sent before it. */
  overtaken(snapshot: Message): void {
    this.#lossy.add(linkIn(snapshot));
  }

  /** The message that arrives next, or is lost; undefined when none does. */
  next(): Message | undefined {
    if (!this.isOrdered) return this.#chance.take(this.#messages);
    const some = this.#chance.pick(this.#messages);
    if (some === undefined || (isBulk(some) && this.#chance.coin(this.#bulkDelay)))
      return undefined;
    const first = this.#messages.findIndex(
      (other) => isSameLink(other, some) && isBulk(other) === isBulk(some),
    );
    return this.#messages.splice(first, 1)[0];
  }

  /** As fast as can be: in the order of their sending, over connections the short ones first. */
  shift(): Message | undefined {
    const urgent = this.isOrdered ? this.#messages.findIndex((message) => !isBulk(message)) : 0;
    return this.#messages.splice(Math.max(0, urgent), 1)[0];
  }

  takeAll(wanted: (message: Message) => boolean): readonly Message[] {
    const taken = this.#messages.filter(wanted);
    const left = this.#messages.filter((message) => !taken.includes(message));
    this.#messages.splice(0, this.#messages.length, ...left);
    return taken;
  }

  /** A connection is gone, and what was in it. */
  disconnect(from: number, to: number): void {
    if (!this.isOrdered) return;
    this.lost(...this.takeAll((message) => message.from === from && message.to === to));
  }
}

function linkIn({ from, to, term }: Message): string {
  return `${from}>${to}/${term}`;
}

function isSameLink(a: Message, b: Message): boolean {
  return a.from === b.from && a.to === b.to;
}
