// Where a key belongs: its hash slot, its partition, and the hash by which it is found there.

import { assert } from "../../assert.ts";
import { partitionCount, slotCount } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Hasher } from "../memory/hasher.ts";
import { wordAt, zeroBytes } from "../memory/words.ts";

/** CRC-16/XMODEM (polynomial 0x1021), the one of the Redis Cluster specification. */
const table = new Uint16Array(256).map((_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** What a byte does to the CRC that one, two or three more bytes follow. */
const after = (tables: Uint16Array): Uint16Array =>
  tables.map((crc) => ((crc << 8) ^ (table[crc >> 8] as number)) & 0xffff);
const first = after(table);
const second = after(first);
const third = after(second);
const slotMask = slotCount - 1;

const openBrace = "{".charCodeAt(0);
const openBraces = openBrace * 0x01010101;
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
  const from = isTagged ? open + 1 : 0;
  const end = isTagged ? close : key.length;
  return (
    (end - from > shortKeyBytes ? crcOfLong(key, from, end) : crcOf(key, from, end)) & slotMask
  );
}

function crcOf(key: Bytes, from: number, end: number): number {
  let crc = 0;
  for (let at = from; at < end; at++) {
    crc = ((crc << 8) ^ (table[(crc >> 8) ^ key.charCodeAt(at)] as number)) & 0xffff;
  }
  return crc;
}

/** Four bytes at a time. */
function crcOfLong(key: Bytes, start: number, end: number): number {
  let crc = 0;
  for (let from = start; from < end; from += pieceBytes) {
    const length = piece.write(key.slice(from, Math.min(end, from + pieceBytes)), "latin1");
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      crc =
        (third[(crc >> 8) ^ (piece[at] as number)] as number) ^
        (second[(crc & 0xff) ^ (piece[at + 1] as number)] as number) ^
        (first[piece[at + 2] as number] as number) ^
        (table[piece[at + 3] as number] as number);
    }
    for (; at < length; at++) {
      crc = ((crc << 8) ^ (table[(crc >> 8) ^ (piece[at] as number)] as number)) & 0xffff;
    }
  }
  return crc;
}

/** Consecutive hash slots share a partition: a power of two of them. */
const slotsPerPartition = slotCount / partitionCount;
const partitionShift = Math.log2(slotsPerPartition);
assert(Number.isInteger(partitionShift), "every slot lies in one partition as a whole");

/** Longer keys are hashed in pieces that native code has copied. */
const shortKeyBytes = 1024;
const pieceBytes = 64 * 1024;
const piece = Buffer.allocUnsafeSlow(pieceBytes + 4);
const pieceWords = new Int32Array(piece.buffer);

/**
 * The hash after 16 more bits. Not after 32: a product has the highest bit of what was multiplied as it is, so whoever
 * chooses that could take it back with the next bits, and so prepare many keys of one hash without knowing the seed.
 */
function mixed(hash: number, bits: number, multiplier: number): number {
  const product = Math.imul(hash ^ bits, multiplier);
  return product ^ (product >>> 15);
}

/** The high bits of a product have not reached the low bits of the hash. */
function spread(hash: number): number {
  return mixed(hash, hash >>> 16, 0x85ebca6b);
}

/** Slot and hash at once: one walk over the key. The results stand in `partition` and `hash` until the next call. */
export class KeyHasher implements Hasher {
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

  /** Four bytes at a time: each step of either value waits for the one before. */
  take(key: Bytes): void {
    const { length } = key;
    if (length > shortKeyBytes) {
      this.partition = slotOf(key) >> partitionShift;
      this.hash = this.#hashOfLong(key);
      return;
    }
    const multiplier = this.#multiplier;
    let hash = this.#seed ^ length;
    let crc = 0;
    let braces = 0;
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      const word = wordAt(key, at);
      braces |= zeroBytes(word ^ openBraces);
      crc =
        (third[(crc >> 8) ^ (word & 0xff)] as number) ^
        (second[(crc ^ (word >> 8)) & 0xff] as number) ^
        (first[(word >> 16) & 0xff] as number) ^
        (table[word >>> 24] as number);
      hash = mixed(mixed(hash, word & 0xffff, multiplier), word >>> 16, multiplier);
    }
    for (; at < length; at++) {
      const byte = key.charCodeAt(at);
      if (byte === openBrace) braces = 1;
      crc = ((crc << 8) ^ (table[(crc >> 8) ^ byte] as number)) & 0xffff;
      hash = mixed(hash, byte, multiplier);
    }
    this.partition = (braces === 0 ? crc & slotMask : slotOf(key)) >> partitionShift;
    this.hash = spread(hash);
  }

  /** The hash alone. */
  hashOf(key: Bytes): number {
    const { length } = key;
    if (length > shortKeyBytes) return this.#hashOfLong(key);
    return this.hashOfBytes(piece, 0, piece.write(key, "latin1"));
  }

  hashOfBytes(page: Buffer, at: number, length: number): number {
    const multiplier = this.#multiplier;
    const end = at + length;
    let hash = this.#seed ^ length;
    let from = at;
    for (; from + 4 <= end; from += 4) {
      const word = page.readInt32LE(from);
      hash = mixed(mixed(hash, word & 0xffff, multiplier), word >>> 16, multiplier);
    }
    for (; from < end; from++) hash = mixed(hash, page[from] as number, multiplier);
    return spread(hash);
  }

  /** Four bytes at a time. */
  #hashOfLong(key: Bytes): number {
    const multiplier = this.#multiplier;
    let hash = this.#seed ^ key.length;
    for (let from = 0; from < key.length; from += pieceBytes) {
      const length = piece.write(key.slice(from, from + pieceBytes), "latin1");
      piece.fill(0, length, length + 3);
      for (let word = 0; word < (length + 3) >>> 2; word++) {
        const four = pieceWords[word] as number;
        hash = mixed(mixed(hash, four & 0xffff, multiplier), four >>> 16, multiplier);
      }
    }
    return spread(hash);
  }
}
