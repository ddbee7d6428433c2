// What stands before every message: who says what to whom in which term.

import { type ByteWriter, readU53 } from "../bytes.ts";
import { asIndex, asNode, asTerm, type EntryId, type PeerMessage } from "./core/types.ts";

/*
 * version u8, type u8, flags u8, 0 u8, count of entries u32, from u53, to u53, term u53. A u53 takes
 * 8 bytes.
 */

const version = 2;
export const headBytes = 32;

const types = [
  "requestVote",
  "voteReply",
  "appendEntries",
  "appendReply",
  "heartbeat",
  "heartbeatReply",
  "timeoutNow",
] as const satisfies readonly PeerMessage["type"][];

export const flag = { pre: 1, granted: 2, transfer: 4, hint: 8, patient: 16, probe: 32 } as const;

const flagsAllowed: Readonly<Record<PeerMessage["type"], number>> = {
  requestVote: flag.pre | flag.transfer,
  voteReply: flag.pre | flag.granted,
  appendEntries: flag.probe,
  appendReply: flag.hint,
  heartbeat: 0,
  heartbeatReply: flag.patient,
  timeoutNow: 0,
};

/** As decoded: numbers that fit, a type that exists, flags that this type has. */
export interface MessageHead {
  readonly type: PeerMessage["type"];
  readonly flags: number;
  readonly count: number;
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

export function writeHead(
  into: ByteWriter,
  message: PeerMessage,
  flags: number,
  count: number,
): void {
  into.u8(version);
  into.u8(types.indexOf(message.type));
  into.u8(flags);
  into.u8(0);
  into.u32(count);
  into.u53(message.from);
  into.u53(message.to);
  into.u53(message.term);
}

export function decodeHead(from: Buffer): MessageHead | string {
  if (from.length < headBytes) return "truncated message";
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

function envelopeProblem({ type, from, to, term }: MessageHead): string | null {
  if (from < 0 || to < 0 || term < 0) return "number of 2^53 or more";
  if (from === 0 || to === 0) return "node id 0";
  if (from === to) return "message to its own sender";
  // Only a node that no election has reached yet has term 0, and it can only answer.
  const answer = type === "voteReply" || type === "appendReply" || type === "heartbeatReply";
  return term === 0 && !answer ? `${type} in term 0` : null;
}

/** Index 0 has term 0, and nothing else has; no entry is newer than the term of the message that names it. */
export function idProblem(id: EntryId, term: number): string | null {
  if ((id.term === 0) !== (id.index === 0)) return `entry id ${id.index} of term ${id.term}`;
  return id.term > term ? `entry of term ${id.term} in term ${term}` : null;
}

export const entryId = (term = 0, index = 0): EntryId => ({
  term: asTerm(term),
  index: asIndex(index),
});

export function envelope(head: MessageHead) {
  return { from: asNode(head.from), to: asNode(head.to), term: asTerm(head.term) };
}
