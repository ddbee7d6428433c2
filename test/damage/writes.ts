// The writes of a prepared node: every kind of value, several databases, expiries, keys that go.

import { encodeProposal } from "../../src/state/execution/proposal.ts";
import type { Random } from "../support/log-random.ts";
import { bodyOf, type Row } from "../support/state-log.ts";

/** 2100-01-01: keys with this expiry live, whatever the clock of the machine says. */
const farMs = 4_102_444_800_000;

const binary = (random: Random, length: number): string =>
  Buffer.from(random.bytes(length)).toString("latin1");

function someKey(random: Random): string {
  return random.chance(0.5) ? `key:${random.integer(60)}` : `{tag}${random.integer(30)}\0\xff\r\n`;
}

/** As applications have them: mostly small, some large, and now and then one with long runs of zeros. */
function someValue(random: Random): string {
  const kind = random.integer(20);
  if (kind < 6) return String(random.integer(1_000_000) - 500_000);
  if (kind < 16) return binary(random, random.integer(120));
  if (kind < 19) return binary(random, 500 + random.integer(3_000));
  return `${binary(random, 40)}${"\0".repeat(2_000)}${binary(random, 40)}`;
}

/** One request; `nowMs` is for expiries that fall due within the history. */
function someWrite(random: Random, nowMs: number): string[] {
  const key = someKey(random);
  switch (random.integer(16)) {
    case 0:
      return ["DEL", key];
    case 1:
      return ["APPEND", key, binary(random, random.integer(40))];
    case 2:
      return ["PEXPIREAT", key, String(farMs + random.integer(1_000_000))];
    case 3:
      return ["PEXPIREAT", key, String(nowMs + 1 + random.integer(20))];
    case 4:
      return ["PERSIST", key];
    case 5:
      return ["INCRBY", `count:${random.integer(5)}`, String(random.integer(1_000))];
    case 6:
      return random.chance(0.1) ? ["FLUSHDB"] : ["GETDEL", key];
    case 7:
      return random.chance(0.3) ? ["SWAPDB", "0", "2"] : ["SETNX", key, "first"];
    case 8:
      return ["SET", key, someValue(random), "PXAT", String(farMs + random.integer(1_000_000))];
    default:
      return ["SET", key, someValue(random)];
  }
}

/** One life of the node that takes writes from clients: its numbers are contiguous from 1. */
export class Client {
  readonly #random: Random;
  readonly #incarnation: number;
  #number = 1;

  constructor(random: Random, incarnation: number) {
    this.#random = random;
    this.#incarnation = incarnation;
  }

  /** The data of one entry, with some requests at a time. */
  proposal(timeMs: number): Uint8Array {
    const random = this.#random;
    const rows: Row[] = Array.from({ length: 1 + random.integer(4) }, () => ({
      words: someWrite(random, timeMs),
      database: random.chance(0.7) ? 0 : random.integer(4),
    }));
    const header = {
      origin: 1,
      incarnation: this.#incarnation,
      timeMs,
      seed: random.integer(2 ** 32),
      firstNumber: this.#number,
      count: rows.length,
    };
    this.#number += rows.length;
    return encodeProposal(header, bodyOf(rows));
  }
}
