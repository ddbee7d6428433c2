// Raft messages <-> bytes: versioned, little endian, checked strictly when they come in.

import { unreachable } from "../assert.ts";
import { asBuffer, ByteWriter, joinParts, readU53 } from "../bytes.ts";
import { decodeMembership } from "./core/membership.ts";
import {
  asIndex,
  type Entry,
  type EntryId,
  type MessageOf,
  type PeerMessage,
} from "./core/types.ts";
import {
  decodeHead,
  entryId,
  envelope,
  flag,
  headBytes,
  idProblem,
  type MessageHead,
  writeHead,
} from "./message-head.ts";
import { readRecord, recordHeadBytes, recordOf } from "./record.ts";

/*
 * A message: its head (message-head.ts), then numbers (u53) by type, then the records of the entries
 * (record.ts). A u53 takes 8 bytes.
 */

/** Bytes of an AppendEntries message before its records, which carry checksums of their own. */
export const appendHeadBytes = headBytes + 3 * 8;

/**
 * The parts of one message, which must not change until it is sent. Of an AppendEntries the first part is
 * the message without its entries; the rest are records, and these carry checksums of their own.
 */
export function encodeMessage(message: PeerMessage): readonly Uint8Array[] {
  const numbers = numbersOf(message);
  const entries = message.type === "appendEntries" ? message.entries : [];
  const length = headBytes + numbers.length * 8;

  const into = new ByteWriter(length);
  writeHead(into, message, flagsOf(message), entries.length);
  for (const number of numbers) into.u53(number);
  const head = into.finish();
  return [head, ...joinParts(entries.map(recordOf))];
}

function flagsOf(message: PeerMessage): number {
  switch (message.type) {
    case "requestVote":
      return (message.pre ? flag.pre : 0) | (message.transfer ? flag.transfer : 0);
    case "voteReply":
      return (message.pre ? flag.pre : 0) | (message.granted ? flag.granted : 0);
    case "appendReply":
      return message.hint === null ? 0 : flag.hint;
    case "heartbeatReply":
      return message.patient ? flag.patient : 0;
    case "appendEntries":
      return message.probe ? flag.probe : 0;
    case "heartbeat":
    case "timeoutNow":
      return 0;
    default:
      return unreachable(message);
  }
}

function numbersOf(message: PeerMessage): readonly number[] {
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
function numberCount(type: PeerMessage["type"], flags: number): number {
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

/**
 * One whole message, or why it is refused. Never throws, and allocates nothing by a claimed size.
 * The data of entries is a view into `bytes`.
 */
export function decodeMessage(bytes: Uint8Array): PeerMessage | string {
  const from = asBuffer(bytes);
  const head = decodeHead(from);
  if (typeof head === "string") return head;
  const numbers: number[] = [];
  const numbersEnd = headBytes + 8 * numberCount(head.type, head.flags);
  if (from.length < numbersEnd) return "truncated message";
  for (let at = headBytes; at < numbersEnd; at += 8) {
    const number = readU53(from, at);
    if (number < 0) return "number of 2^53 or more";
    numbers.push(number);
  }
  const rest = from.subarray(numbersEnd);
  if (head.type === "appendEntries") return decodeAppend(rest, head, numbers);
  if (rest.length > 0) return "trailing bytes";
  return assemble(head, head.type, numbers);
}

function assemble(
  head: MessageHead,
  type: Exclude<PeerMessage["type"], "appendEntries">,
  numbers: readonly number[],
): PeerMessage | string {
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
      return { type, ...common, round: first, patient: has(flag.patient) };
    case "timeoutNow":
      return { type, ...common };
    default:
      return unreachable(type);
  }
}

function decodeAppend(
  from: Buffer,
  head: MessageHead,
  numbers: readonly number[],
): MessageOf<"appendEntries"> | string {
  const prev = entryId(numbers[0], numbers[1]);
  const prevProblem = idProblem(prev, head.term);
  if (prevProblem !== null) return prevProblem;
  if (head.count > from.length / recordHeadBytes) return "more entries claimed than bytes";

  const entries: Entry[] = [];
  let at = 0;
  let last: EntryId = prev;
  while (entries.length < head.count) {
    const entry = readRecord(from, at);
    if (typeof entry === "string") return entry;
    const problem = entryProblem(entry, last, head.term);
    if (problem !== null) return problem;
    entries.push(entry);
    at += recordHeadBytes + entry.data.byteLength;
    last = entry;
  }
  if (at !== from.length) return "trailing bytes";
  const commit = asIndex(numbers[2] ?? 0); // May be beyond these entries: the leader's own.
  const probe = (head.flags & flag.probe) !== 0;
  return { type: "appendEntries", ...envelope(head), prev, entries, commit, probe };
}

/**
 * The core relies on what is checked here: entries are contiguous, their terms never fall, and memberships are
 * readable.
 */
function entryProblem(entry: Entry, last: EntryId, term: number): string | null {
  if (entry.index !== last.index + 1) return `entry ${entry.index} follows ${last.index}`;
  if (entry.term < last.term) return `term falls from ${last.term} to ${entry.term}`;
  if (entry.term === 0 || entry.term > term) return `entry of term ${entry.term} in term ${term}`;
  const isReadable = entry.kind !== "membership" || decodeMembership(entry.data) !== null;
  return isReadable ? null : `unreadable membership of entry ${entry.index}`;
}
