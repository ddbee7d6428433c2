// The data of a log entry: who stamped what, and the requests as RESP. All numbers little endian.
//
// Header  format u8, behaviour u8, kind u8, flags u8 (none yet), time f64 (Unix ms), seed u32, origin node u32,
//         origin incarnation u32, first request number f64, request count u32
// Body    groups: database u8, protocol u8, client id u48, request count u32, byte length u32,
//         then so many requests, each byte as its client sent it. No group at all, but a request count: the
//         requests of these numbers are given up and must not be applied any more.

import { assert } from "../../assert.ts";
import { asBuffer } from "../../bytes.ts";
import { databaseCount, entryRoomBytes } from "../../constants.ts";
import { claimFrontRoom, offerFrontRoom } from "../../front-room.ts";
import type { Protocol } from "../../resp/reply.ts";

/** The layout of header and groups. */
export const proposalFormat = 2;
/** What the commands do: raised when the same request would change the state or reply otherwise. */
export const behaviourVersion = 1;

/** What an entry is for. */
export const proposalKind = {
  /** Requests of clients; also those that are given up. */
  requests: 0,
  /** Nothing but time. */
  tick: 1,
  /** Requests of the leader itself: see system-commands.ts. */
  system: 2,
} as const;
export type ProposalKind = (typeof proposalKind)[keyof typeof proposalKind];

export const headerBytes = 36;
export const groupHeaderBytes = 16;

/** What the leader stamps. Counted requests have the numbers firstNumber, firstNumber + 1 ... */
export interface ProposalHeader {
  /** `requests` by default. */
  readonly kind?: ProposalKind;
  /** The leader's log clock, Unix ms. */
  readonly timeMs: number;
  /** 32 random bits: all chance of the entry comes from here. */
  readonly seed: number;
  /** The node that took the requests from its clients; 0 for none. */
  readonly origin: number;
  readonly incarnation: number;
  readonly firstNumber: number;
  readonly count: number;
}

/** As read from an entry. */
export interface StampedHeader extends ProposalHeader {
  readonly format: number;
  readonly behaviour: number;
  readonly kind: ProposalKind;
  readonly flags: number;
}

/** Requests of one client in a row. */
export interface Group {
  readonly database: number;
  readonly protocol: Protocol;
  readonly clientId: number;
  readonly count: number;
  /** Place of the requests in the entry's data. */
  readonly start: number;
  readonly end: number;
}

/** In front of a body: the header, and before it what the log writes in front of an entry's data. */
const bodyRoomBytes = entryRoomBytes + headerBytes;

/**
 * The entry's data, with room for the head of its record in front. A body of a BatchBuilder is not copied
 * the first time: its header goes into the room that was kept in front. Further times (sent again after a
 * change of leader) it is, because the first entry's bytes may still lie in a log.
 */
export function encodeProposal(header: ProposalHeader, body: Uint8Array): Uint8Array {
  const data = claimFrontRoom(body, headerBytes) ?? copyWithRoom(body);
  data.writeUInt8(proposalFormat, 0);
  data.writeUInt8(behaviourVersion, 1);
  data.writeUInt8(header.kind ?? proposalKind.requests, 2);
  data.writeUInt8(0, 3);
  data.writeDoubleLE(header.timeMs, 4);
  data.writeUInt32LE(header.seed, 12);
  data.writeUInt32LE(header.origin, 16);
  data.writeUInt32LE(header.incarnation, 20);
  data.writeDoubleLE(header.firstNumber, 24);
  data.writeUInt32LE(header.count, 32);
  return data;
}

/** True: the entry holds no requests. It moves log time on, and may say that numbers are given up. */
export function holdsNothing(data: Uint8Array): boolean {
  return data.length === headerBytes;
}

function copyWithRoom(body: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafeSlow(bodyRoomBytes + body.length);
  whole.set(body, bodyRoomBytes);
  const data = whole.subarray(entryRoomBytes);
  offerFrontRoom(data, entryRoomBytes);
  return data;
}

/** A tick moves log time on and carries no request. */
export function tickProposal(timeMs: number): Uint8Array {
  const { tick: kind } = proposalKind;
  return encodeProposal({ ...noOrigin, kind, timeMs, count: 0 }, new Uint8Array(0));
}

/** Requests of the leader itself, as many as `body` holds. */
export function systemProposal(timeMs: number, count: number, body: Uint8Array): Uint8Array {
  const { system: kind } = proposalKind;
  return encodeProposal({ ...noOrigin, kind, timeMs, count }, body);
}

const noOrigin = { seed: 0, origin: 0, incarnation: 0, firstNumber: 0 };

/** `data` begins with a whole header. */
export function readHeader(data: Uint8Array): StampedHeader {
  assert(data.length >= headerBytes, `an entry of ${data.length} bytes has a whole header`);
  const bytes = asBuffer(data);
  return {
    format: bytes.readUInt8(0),
    behaviour: bytes.readUInt8(1),
    kind: bytes.readUInt8(2) as ProposalKind,
    flags: bytes.readUInt8(3),
    timeMs: bytes.readDoubleLE(4),
    seed: bytes.readUInt32LE(12),
    origin: bytes.readUInt32LE(16),
    incarnation: bytes.readUInt32LE(20),
    firstNumber: bytes.readDoubleLE(24),
    count: bytes.readUInt32LE(32),
  };
}

/** The group whose header begins at `at`; the caller knows that it lies in `data` as a whole. */
export function readGroup(data: Buffer, at: number): Group {
  const start = at + groupHeaderBytes;
  return {
    database: data.readUInt8(at),
    protocol: data.readUInt8(at + 1) as Protocol,
    clientId: data.readUIntLE(at + 2, 6),
    count: data.readUInt32LE(at + 8),
    start,
    end: start + data.readUInt32LE(at + 12),
  };
}

/**
 * The door for bodies of peers: null, or what is wrong with the groups. Does not read the RESP. A body without
 * groups is sound with any count.
 */
export function bodyProblem(body: Uint8Array, count: number): string | null {
  if (body.length === 0) return null;
  const data = asBuffer(body);
  let requests = 0;
  let at = 0;
  while (at < data.length) {
    if (data.length - at < groupHeaderBytes) return `${data.length - at} bytes are no group header`;
    const group = readGroup(data, at);
    if (group.end > data.length) return `a group ends ${group.end - data.length} bytes too late`;
    if (group.count === 0 || group.end - group.start < group.count) {
      return `${group.end - group.start} bytes cannot be ${group.count} requests`;
    }
    if (group.database >= databaseCount) return `there is no database ${group.database}`;
    if (!isProtocol(group.protocol)) return `there is no protocol ${String(group.protocol)}`;
    requests += group.count;
    at = group.end;
  }
  return requests === count ? null : `${requests} requests are there, ${count} are announced`;
}

function isProtocol(value: number): value is Protocol {
  return value === 2 || value === 3;
}

/** Batches are cut out of pieces of this size, so that a small one costs no allocation of its own. */
const arenaBytes = 256 * 1024;
/** Below this length a loop beats the call into native code. */
const loopBytesMax = 48;

/** Collects a body request by request: one copy of each byte, into the place it keeps in the entry. */
export class BatchBuilder {
  #arena: Buffer = Buffer.alloc(0);
  /** Where the body begins, with room for headers before it, and where it ends so far. */
  #start = bodyRoomBytes;
  #end = bodyRoomBytes;
  #group = -1;
  #database = 0;
  #protocol = 0;
  #clientId = 0;
  #groupCount = 0;
  #requestCount = 0;

  get requestCount(): number {
    return this.#requestCount;
  }
  get byteLength(): number {
    return this.#end - this.#start;
  }
  get isEmpty(): boolean {
    return this.#requestCount === 0;
  }

  /**
   * Takes a copy of one request, the bytes [start, end) of `source`. Requests of one client in a row
   * share a group.
   */
  // biome-ignore lint/complexity/useMaxParams: runs for every write; an object would cost as much.
  add(
    database: number,
    protocol: Protocol,
    clientId: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    const length = end - start;
    if (this.#end + groupHeaderBytes + length > this.#arena.length) this.#makeRoom(length);
    if (
      this.#group === -1 ||
      clientId !== this.#clientId ||
      database !== this.#database ||
      protocol !== this.#protocol ||
      !this.#fits(length)
    ) {
      this.#openGroup(database, protocol, clientId);
    }
    const arena = this.#arena;
    let to = this.#end;
    if (length > loopBytesMax) source.copy(arena, to, start, end);
    else for (let at = start; at < end; at++) arena[to++] = source[at] as number;
    this.#end += length;
    this.#requestCount++;
    this.#groupCount++;
  }

  /** The body; the next one begins. */
  take(): Uint8Array {
    this.#closeGroup();
    const body = this.#arena.subarray(this.#start, this.#end);
    if (!this.isEmpty) offerFrontRoom(body, bodyRoomBytes);
    this.#start = this.#end + bodyRoomBytes;
    this.#end = this.#start;
    this.#requestCount = 0;
    return body;
  }

  #openGroup(database: number, protocol: Protocol, clientId: number): void {
    this.#closeGroup();
    this.#group = this.#end;
    this.#database = database;
    this.#protocol = protocol;
    this.#clientId = clientId;
    this.#arena.writeUInt8(database, this.#end);
    this.#arena.writeUInt8(protocol, this.#end + 1);
    this.#arena.writeUIntLE(clientId, this.#end + 2, 6);
    this.#end += groupHeaderBytes;
  }

  /** Writes how many requests it has, and how many bytes. */
  #closeGroup(): void {
    if (this.#group === -1) return;
    this.#arena.writeUInt32LE(this.#groupCount, this.#group + 8);
    this.#arena.writeUInt32LE(this.#groupBytes, this.#group + 12);
    this.#group = -1;
    this.#groupCount = 0;
  }

  get #groupBytes(): number {
    return this.#end - this.#group - groupHeaderBytes;
  }

  /** A group's length has 32 bits. */
  #fits(length: number): boolean {
    return this.#groupBytes + length <= 0xffff_ffff;
  }

  /** Moves what is collected into a new arena; at least doubling keeps the copying linear. */
  #makeRoom(length: number): void {
    const collected = this.byteLength;
    const needed = bodyRoomBytes + collected + groupHeaderBytes + length;
    const size = Math.max(arenaBytes, needed > arenaBytes ? needed + collected : 0);
    const arena = Buffer.allocUnsafeSlow(size);
    if (collected > 0) this.#arena.copy(arena, bodyRoomBytes, this.#start, this.#end);
    if (this.#group !== -1) this.#group += bodyRoomBytes - this.#start;
    this.#arena = arena;
    this.#start = bodyRoomBytes;
    this.#end = bodyRoomBytes + collected;
  }
}

/** Entries of another version reach no machine: peers and directories of one are refused before. */
export function checkVersion(header: StampedHeader, index: number): void {
  assert(
    header.format === proposalFormat && header.behaviour <= behaviourVersion,
    `entry ${index} has format ${header.format} and behaviour ${header.behaviour}; ` +
      `this program knows format ${proposalFormat} and behaviour ${behaviourVersion}`,
  );
  assert(
    header.kind <= proposalKind.system && header.flags === 0,
    `entry ${index} has kind ${header.kind} and flags ${header.flags}, which this program does not know`,
  );
}
