// The requests of one entry, one after the other: how far it is read.

import { assert } from "../../assert.ts";
import { asBuffer } from "../../bytes.ts";
import type { Bytes } from "../../resp/reply.ts";
import { RequestDecoder } from "../../resp/request-decoder.ts";
import { admittedLimits } from "../../resp/request-limits.ts";
import { groupHeaderBytes, headerBytes, readGroup } from "./proposal.ts";

/** The state machine's part of a log entry. */
export interface AppliedEntry {
  readonly index: number;
  /** A proposal: see proposal.ts. */
  readonly data: Uint8Array;
}

const nothing = Buffer.alloc(0);

/** One object for all entries. An entry that does not hold what it announces is a broken invariant. */
export class EntryRequests {
  readonly #decoder = new RequestDecoder(admittedLimits);
  #index = 0;
  #bytes: Buffer = nothing;
  /** As the entry's header announces them. */
  #count = 0;
  /** So many at the beginning were applied before: they are read over. */
  #skip = 0;
  /** Where the next group begins, and the requests of this one that are still to be read. */
  #at = 0;
  #left = 0;
  #end = 0;
  /** The database of the current request. */
  database = 0;

  begin({ index, data }: AppliedEntry, count: number, skip: number): void {
    this.#index = index;
    this.#bytes = asBuffer(data);
    this.#count = count;
    this.#skip = skip;
    this.#at = headerBytes;
    this.#left = 0;
    this.#end = 0;
  }

  /** Goes to the next request that is not applied yet. False: there is none. */
  next(): boolean {
    do {
      if (this.#left === 0 && !this.#openGroup()) return false;
      const isThere = this.#decoder.next();
      assert(isThere, "each request of a group can be read from the log");
      this.#left--;
    } while (this.#end - this.#left <= this.#skip);
    return true;
  }

  /** The place of the current request in the entry, from 0. */
  get position(): number {
    return this.#end - this.#left - 1;
  }
  get wordCount(): number {
    return this.#decoder.wordCount;
  }
  /** As `RequestDecoder.nameEquals`. */
  nameEquals(lowerCaseName: Bytes): boolean {
    return this.#decoder.nameEquals(lowerCaseName);
  }
  words(): Bytes[] {
    return this.#decoder.words();
  }
  word(at: number): Bytes {
    return this.#decoder.word(at);
  }

  /** Goes to the next group that is not applied as a whole. False: there is none. */
  #openGroup(): boolean {
    const bytes = this.#bytes;
    const index = this.#index;
    while (this.#at < bytes.length) {
      this.#closeGroup();
      assert(this.#at + groupHeaderBytes <= bytes.length, `entry ${index} has whole group headers`);
      const group = readGroup(bytes, this.#at);
      assert(group.end <= bytes.length, `a group of entry ${index} lies in the entry`);
      this.#at = group.end;
      this.#end += group.count;
      if (this.#end <= this.#skip) continue;
      this.#decoder.load(bytes, group.start, group.end);
      this.#left = group.count;
      this.database = group.database;
      if (group.count > 0) return true;
    }
    this.#closeGroup();
    assert(
      this.#end === this.#count,
      `entry ${index} holds ${this.#end} requests and announces ${this.#count}`,
    );
    this.#bytes = nothing;
    return false;
  }

  #closeGroup(): void {
    const isAtEnd = this.#decoder.bufferedBytes === 0;
    assert(isAtEnd, `a group of entry ${this.#index} ends with its requests`);
  }
}
