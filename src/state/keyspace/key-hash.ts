// Where a key belongs: its hash slot, its partition, and the hash by which it is found there.

import { assert } from "../../assert.ts";
import { partitionCount, slotCount } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";

/** CRC-16/XMODEM (polynomial 0x1021), the one of the Redis Cluster specification. */
const table = new Uint16Array(256).map((_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

const openBrace = "{".charCodeAt(0);
/** Odd; any large one without a pattern does. */
const multiplierDefault = 0x9e3779b1;

/**
 * The slot of a key, as CLUSTER KEYSLOT gives it: of the part between the first `{` and the next
 * `}` when there is something between them, else of the whole key.
 */
export function slotOf(key: Bytes): number {
  const open = key.indexOf("{");
  const close = open === -1 ? -1 : key.indexOf("}", open + 1);
  const isTagged = close > open + 1;
  let crc = 0;
  const end = isTagged ? close : key.length;
  for (let at = isTagged ? open + 1 : 0; at < end; at++) {
    crc = ((crc << 8) ^ (table[(crc >> 8) ^ key.charCodeAt(at)] as number)) & 0xffff;
  }
  return crc & (slotCount - 1);
}

/** Consecutive hash slots share a partition: a power of two of them. */
const slotsPerPartition = slotCount / partitionCount;
const partitionShift = Math.log2(slotsPerPartition);
assert(Number.isInteger(partitionShift), "every slot lies in one partition as a whole");

/** Both at once: one walk over the key. The results stand in `partition` and `hash` until the next call. */
export class KeyHasher {
  /** Of the last key: that of its slot. */
  partition = 0;
  /** Of the last key; 32 bits, signed. */
  hash = 0;

  readonly #seed: number;
  readonly #multiplier: number;

  /**
   * The seed (32 bits) changes nothing that anybody can see. It should be secret, so that nobody can
   * prepare many keys of one hash.
   */
  constructor(seed: number) {
    this.#seed = seed | 0;
    this.#multiplier = (Math.imul(seed, 0x85ebca6b) ^ multiplierDefault) | 1;
  }

  take(key: Bytes): void {
    const multiplier = this.#multiplier;
    let hash = this.#seed;
    let crc = 0;
    let isTagged = false;
    for (let at = 0; at < key.length; at++) {
      const byte = key.charCodeAt(at);
      if (byte === openBrace) isTagged = true;
      crc = ((crc << 8) ^ (table[(crc >> 8) ^ byte] as number)) & 0xffff;
      hash = Math.imul(hash ^ byte, multiplier);
      hash ^= hash >>> 15;
    }
    this.partition = (isTagged ? slotOf(key) : crc & (slotCount - 1)) >> partitionShift;
    this.hash = hash;
  }

  /** The hash alone. */
  hashOf(key: Bytes): number {
    const multiplier = this.#multiplier;
    let hash = this.#seed;
    for (let at = 0; at < key.length; at++) {
      hash = Math.imul(hash ^ key.charCodeAt(at), multiplier);
      hash ^= hash >>> 15;
    }
    return hash;
  }
}
