// Raft messages and entries <-> bytes: versioned, little endian, checked strictly when they come in.

import { unreachable } from "../assert.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type EntryId,
  type EntryKind,
  type Message,
  type MessageOf,
} from "./core/types.ts";
import { asBuffer, Gather, inlineBytes, readU53 } from "./gather.ts";

/*
 * A message: version u8, type u8, flags u8, 0 u8, count of entries u32, from u53, to u53, term u53,
 * then numbers (u53) by type, then the entries. An entry: length u32, kind u8, 0 u24, term u53,
 * index u53, data. A u53 takes 8 bytes.
 */

const version = 1;
const headerBytes = 32;
/** Bytes of an entry before its data. */
export const entryHeaderBytes = 24;

const types = [
  "requestVote",
  "voteReply",
  "appendEntries",
  "appendReply",
  "heartbeat",
  "heartbeatReply",
  "timeoutNow",
] as const satisfies readonly Message["type"][];
const kinds = ["data", "noop", "membership"] as const satisfies readonly EntryKind[];

const flag = { pre: 1, granted: 2, transfer: 4, hint: 8 } as const;

const flagsAllowed: Readonly<Record<Message["type"], number>> = {
  requestVote: flag.pre | flag.transfer,
  voteReply: flag.pre | flag.granted,
  appendEntries: 0,
  appendReply: flag.hint,
  heartbeat: 0,
  heartbeatReply: 0,
  timeoutNow: 0,
};

/** Bytes of the copied part of an entry; its large data is referenced. */
export const entryInlineBytes = (entry: Entry): number =>
  entryHeaderBytes + inlineBytes(entry.data.byteLength);

export function writeEntryHeader(into: Gather, entry: Entry): void {
  into.u32(entry.data.byteLength);
  into.u32(kinds.indexOf(entry.kind));
  into.u53(entry.term);
  into.u53(entry.index);
}

/** The parts of one message; data above 16 KiB is referenced and must not change until it is sent. */
export function encodeMessage(message: Message): readonly Uint8Array[] {
  const numbers = numbersOf(message);
  const entries = message.type === "appendEntries" ? message.entries : [];
  let length = headerBytes + numbers.length * 8;
  for (const entry of entries) length += entryInlineBytes(entry);

  const into = new Gather(length);
  into.u8(version);
  into.u8(types.indexOf(message.type));
  into.u8(flagsOf(message));
  into.u8(0);
  into.u32(entries.length);
  into.u53(message.from);
  into.u53(message.to);
  into.u53(message.term);
  for (const number of numbers) into.u53(number);
  for (const entry of entries) {
    writeEntryHeader(into, entry);
    into.data(entry.data);
  }
  return into.finish();
}

function flagsOf(message: Message): number {
  switch (message.type) {
    case "requestVote":
      return (message.pre ? flag.pre : 0) | (message.transfer ? flag.transfer : 0);
    case "voteReply":
      return (message.pre ? flag.pre : 0) | (message.granted ? flag.granted : 0);
    case "appendReply":
      return message.hint === null ? 0 : flag.hint;
    case "appendEntries":
    case "heartbeat":
    case "heartbeatReply":
    case "timeoutNow":
      return 0;
    default:
      return unreachable(message);
  }
}

function numbersOf(message: Message): readonly number[] {
  switch (message.type) {
    case "requestVote":
      return [message.last.term, message.last.index];
    case "appendEntries":
      return [message.prev.term, message.prev.index, message.commit];
    case "appendReply": {
      const { index, hint } = message;
      return hint === null ? [index] : [index, hint.term, hint.index];
    }
    case "heartbeat":
      return [message.commit, message.round];
    case "heartbeatReply":
      return [message.round];
    case "voteReply":
    case "timeoutNow":
      return [];
    default:
      return unreachable(message);
  }
}

/** How many numbers follow the header. */
function numberCount(type: Message["type"], flags: number): number {
  switch (type) {
    case "requestVote":
    case "heartbeat":
      return 2;
    case "appendEntries":
      return 3;
    case "appendReply":
      return (flags & flag.hint) === 0 ? 1 : 3;
    case "heartbeatReply":
      return 1;
    case "voteReply":
    case "timeoutNow":
      return 0;
    default:
      return unreachable(type);
  }
}

interface Head {
  readonly type: Message["type"];
  readonly flags: number;
  readonly count: number;
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

/**
 * One whole message, or why it is refused. Never throws, and allocates nothing by a claimed size.
 * The data of entries is a view into `bytes`.
 */
export function decodeMessage(bytes: Uint8Array): Message | string {
  const from = asBuffer(bytes);
  const head = decodeHead(from);
  if (typeof head === "string") return head;
  const numbers: number[] = [];
  const numbersEnd = headerBytes + 8 * numberCount(head.type, head.flags);
  if (from.length < numbersEnd) return "truncated message";
  for (let at = headerBytes; at < numbersEnd; at += 8) {
    const number = readU53(from, at);
    if (number < 0) return "number of 2^53 or more";
    numbers.push(number);
  }
  if (head.type !== "appendEntries") {
    if (from.length !== numbersEnd) return "trailing bytes";
    return assemble(head, head.type, numbers);
  }
  return decodeAppend(from.subarray(numbersEnd), head, numbers);
}

function decodeHead(from: Buffer): Head | string {
  if (from.length < headerBytes) return "truncated message";
  if (from[0] !== version) return `unknown message version ${from[0]}`;
  const type = types[from[1] ?? types.length];
  if (type === undefined) return `unknown message type ${from[1]}`;
  const flags = from[2] ?? 0;
  if ((flags & ~flagsAllowed[type]) !== 0 || from[3] !== 0) return "unknown message flags";
  const count = from.readUInt32LE(4);
  if (count !== 0 && type !== "appendEntries") return `entries in ${type}`;
  const sender = readU53(from, 8);
  const head = { type, flags, count, from: sender, to: readU53(from, 16), term: readU53(from, 24) };
  return envelopeProblem(head) ?? head;
}

function envelopeProblem({ type, from, to, term }: Head): string | null {
  if (from < 0 || to < 0 || term < 0) return "number of 2^53 or more";
  if (from === 0 || to === 0) return "node id 0";
  if (from === to) return "message to its own sender";
  // Only a node that no election has reached yet has term 0, and it can only answer.
  const answer = type === "voteReply" || type === "appendReply" || type === "heartbeatReply";
  return term === 0 && !answer ? `${type} in term 0` : null;
}

/** Index 0 has term 0, and nothing else has; no entry is newer than the term of who tells of it. */
function idProblem(id: EntryId, term: number): string | null {
  if ((id.term === 0) !== (id.index === 0)) return `entry id ${id.index} of term ${id.term}`;
  return id.term > term ? `entry of term ${id.term} in term ${term}` : null;
}

const entryId = (term = 0, index = 0): EntryId => ({ term: asTerm(term), index: asIndex(index) });

function envelope(head: Head) {
  return { from: asNode(head.from), to: asNode(head.to), term: asTerm(head.term) };
}

function assemble(
  head: Head,
  type: Exclude<Message["type"], "appendEntries">,
  numbers: readonly number[],
): Message | string {
  const has = (bit: number) => (head.flags & bit) !== 0;
  const [first = 0, second = 0, third = 0] = numbers;
  const common = envelope(head);
  switch (type) {
    case "requestVote": {
      const last = entryId(first, second);
      const problem = idProblem(last, head.term - 1); // A campaign is for a term above its log's.
      const { pre, transfer } = flag;
      return problem ?? { type, ...common, pre: has(pre), last, transfer: has(transfer) };
    }
    case "voteReply":
      return { type, ...common, pre: has(flag.pre), granted: has(flag.granted) };
    case "appendReply": {
      const hint = has(flag.hint) ? entryId(second, third) : null;
      const problem = hint === null ? null : idProblem(hint, head.term);
      return problem ?? { type, ...common, index: asIndex(first), hint };
    }
    case "heartbeat":
      return { type, ...common, commit: asIndex(first), round: second };
    case "heartbeatReply":
      return { type, ...common, round: first };
    case "timeoutNow":
      return { type, ...common };
    default:
      return unreachable(type);
  }
}

function decodeAppend(
  from: Buffer,
  head: Head,
  numbers: readonly number[],
): MessageOf<"appendEntries"> | string {
  const prev = entryId(numbers[0], numbers[1]);
  const problem = idProblem(prev, head.term);
  if (problem !== null) return problem;
  if (head.count > from.length / entryHeaderBytes) return "more entries claimed than bytes";

  const entries: Entry[] = [];
  let at = 0;
  let last = prev;
  while (entries.length < head.count) {
    const entry = decodeEntry(from, at);
    if (typeof entry === "string") return entry;
    if (entry.index !== last.index + 1) return `entry ${entry.index} follows ${last.index}`;
    if (entry.term < last.term) return `term falls from ${last.term} to ${entry.term}`;
    if (entry.term === 0 || entry.term > head.term) {
      return `entry of term ${entry.term} in term ${head.term}`;
    }
    entries.push(entry);
    at += entryHeaderBytes + entry.data.byteLength;
    last = entry;
  }
  if (at !== from.length) return "trailing bytes";
  const commit = asIndex(numbers[2] ?? 0); // May be beyond these entries: the leader's own.
  return { type: "appendEntries", ...envelope(head), prev, entries, commit };
}

/** What stands before an entry's data; a length that is not backed by bytes is the caller's to refuse. */
export interface EntryHeader extends EntryId {
  readonly kind: EntryKind;
  readonly length: number;
}

/** Reads 24 bytes that the caller knows to be there. */
export function decodeEntryHeader(from: Buffer, at: number): EntryHeader | string {
  const kind = kinds[from.readUInt32LE(at + 4)];
  if (kind === undefined) return "unknown entry kind";
  const term = readU53(from, at + 8);
  const index = readU53(from, at + 16);
  if (term < 0 || index < 0) return "number of 2^53 or more";
  return { kind, length: from.readUInt32LE(at), term: asTerm(term), index: asIndex(index) };
}

function decodeEntry(from: Buffer, at: number): Entry | string {
  if (from.length - at < entryHeaderBytes) return "truncated entry";
  const header = decodeEntryHeader(from, at);
  if (typeof header === "string") return header;
  const { term, index, kind, length } = header;
  const dataAt = at + entryHeaderBytes;
  if (from.length - dataAt < length) return "truncated entry";
  return { term, index, kind, data: from.subarray(dataAt, dataAt + length) };
}
