// The frames of a snapshot on its way: offered by the leader, taken, sent in chunks, ended.
//
// Every one begins with its type u8 and the attempt u53; all numbers are u53, little endian (bytes.ts).

import { readU53, writeU53 } from "../../bytes.ts";

/** From the leader. One offer opens one attempt; only frames of the last attempt count. */
export type SnapshotFrame =
  /** The meta record of the checkpoint, which says what all its other records must be. */
  | { readonly type: "offer"; readonly attempt: number; readonly meta: Buffer }
  /** Records, as `state/checkpoint/transfer.ts` lays them out. Numbered from 1 in each attempt. */
  | {
      readonly type: "chunk";
      readonly attempt: number;
      readonly number: number;
      readonly records: Buffer;
    }
  /** Every record was sent. `term` is the leader's. */
  | { readonly type: "end"; readonly attempt: number; readonly term: number }
  | { readonly type: "stop"; readonly attempt: number; readonly reason: string };

/** From the receiver. */
export type SnapshotReply =
  /** Send what follows this key: the receiver has the records up to it. Empty: from the first one. */
  | { readonly type: "take"; readonly attempt: number; readonly after: Buffer }
  | { readonly type: "ack"; readonly attempt: number; readonly number: number }
  /** The state is in place, or was not needed. */
  | { readonly type: "done"; readonly attempt: number }
  | { readonly type: "stop"; readonly attempt: number; readonly reason: string };

const frameTypes = ["offer", "chunk", "end", "stop"] as const;
const replyTypes = ["take", "ack", "done", "stop"] as const;
/** Longest reason that is read: it is a line for the log. */
const reasonBytesMax = 200;
const numberBytes = 8;
const headBytes = 1 + numberBytes;

export function encodeSnapshotFrame(frame: SnapshotFrame): readonly Buffer[] {
  const head = (...numbers: readonly number[]) =>
    encodeHead(frameTypes.indexOf(frame.type), frame.attempt, numbers);
  switch (frame.type) {
    case "offer":
      return [head(), frame.meta];
    case "chunk":
      return [head(frame.number), frame.records];
    case "end":
      return [head(frame.term)];
    case "stop":
      return [head(), Buffer.from(frame.reason)];
  }
}

/** Null when the bytes are no such frame. */
export function decodeSnapshotFrame(bytes: Buffer): SnapshotFrame | null {
  const head = decodeHead(bytes, frameTypes);
  if (head === null) return null;
  const { type, attempt, rest } = head;
  switch (type) {
    case "offer":
      return { type, attempt, meta: rest };
    case "chunk": {
      const number = numberAt(rest);
      return number === null
        ? null
        : { type, attempt, number, records: rest.subarray(numberBytes) };
    }
    case "end": {
      const term = numberAt(rest);
      return term === null ? null : { type, attempt, term };
    }
    case "stop":
      return { type, attempt, reason: rest.toString("utf8", 0, reasonBytesMax) };
  }
}

export function encodeSnapshotReply(reply: SnapshotReply): readonly Buffer[] {
  const head = (...numbers: readonly number[]) =>
    encodeHead(replyTypes.indexOf(reply.type), reply.attempt, numbers);
  switch (reply.type) {
    case "take":
      return [head(), reply.after];
    case "ack":
      return [head(reply.number)];
    case "done":
      return [head()];
    case "stop":
      return [head(), Buffer.from(reply.reason)];
  }
}

/** Null when the bytes are no such frame. */
export function decodeSnapshotReply(bytes: Buffer): SnapshotReply | null {
  const head = decodeHead(bytes, replyTypes);
  if (head === null) return null;
  const { type, attempt, rest } = head;
  switch (type) {
    case "take":
      return { type, attempt, after: rest };
    case "ack": {
      const number = numberAt(rest);
      return number === null ? null : { type, attempt, number };
    }
    case "done":
      return { type, attempt };
    case "stop":
      return { type, attempt, reason: rest.toString("utf8", 0, reasonBytesMax) };
  }
}

function encodeHead(type: number, attempt: number, numbers: readonly number[]): Buffer {
  const head = Buffer.allocUnsafe(headBytes + numberBytes * numbers.length);
  head.writeUInt8(type, 0);
  writeU53(head, attempt, 1);
  let at = headBytes;
  for (const number of numbers) {
    writeU53(head, number, at);
    at += numberBytes;
  }
  return head;
}

function decodeHead<Type>(
  bytes: Buffer,
  types: readonly Type[],
): { type: Type; attempt: number; rest: Buffer } | null {
  if (bytes.length < headBytes) return null;
  const type = types[bytes.readUInt8(0)];
  const attempt = readU53(bytes, 1);
  if (type === undefined || attempt < 0) return null;
  return { type, attempt, rest: bytes.subarray(headBytes) };
}

function numberAt(bytes: Buffer): number | null {
  if (bytes.length < numberBytes) return null;
  const number = readU53(bytes, 0);
  return number < 0 ? null : number;
}
