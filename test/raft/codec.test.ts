// Messages to bytes and back; and what a peer could send instead: refused with a reason, never thrown.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../src/raft/codec.ts";
import { encodeMembership } from "../../src/raft/core/membership.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type PeerMessage,
} from "../../src/raft/core/types.ts";
import { recordHeadBytes } from "../../src/raft/record.ts";

const encoded = (message: PeerMessage): Buffer => Buffer.concat(encodeMessage(message));

const highest = Number.MAX_SAFE_INTEGER;
const number = fc.oneof(fc.nat(9), fc.integer({ min: 1, max: highest - 100 }));
const positive = number.map((value) => value + 1);

const ids = fc
  .record({ from: positive, to: positive, term: positive })
  .filter(({ from, to }) => from !== to)
  .map(({ from, to, term }) => ({ from: asNode(from), to: asNode(to), term: asTerm(term) }));

const idWithin = (term: number) =>
  term === 0
    ? fc.constant({ term: asTerm(0), index: asIndex(0) })
    : fc
        .record({ term: fc.nat(Math.min(term, 2 ** 31 - 1)), index: positive })
        .map(({ term: own, index }) => ({
          term: asTerm(own),
          index: asIndex(own === 0 ? 0 : index),
        }));

const data = fc
  .oneof(fc.nat(40), fc.constantFrom(65_536, 65_537, 90_000))
  .map((length): Uint8Array => Buffer.alloc(length, length));
const oneMember = {
  members: [{ id: asNode(1), voter: true, address: "a" }],
  nextId: asNode(2),
};
const kind = fc.constantFrom("data" as const, "noop" as const, "membership" as const);

const append: fc.Arbitrary<PeerMessage> = ids.chain((common) =>
  fc
    .record({
      prev: idWithin(common.term),
      parts: fc.array(fc.record({ kind, data, newer: fc.boolean() }), { maxLength: 6 }),
      commit: number,
      probe: fc.boolean(),
    })
    .map(({ prev, parts, commit, probe }) => {
      const entries: Entry[] = [];
      let term = Math.max(1, prev.term);
      for (const part of parts) {
        if (part.newer && term < common.term) term += 1;
        const index = asIndex(prev.index + entries.length + 1);
        const own = part.kind === "membership" ? encodeMembership(oneMember) : part.data;
        entries.push({ kind: part.kind, data: own, term: asTerm(term), index });
      }
      return { type: "appendEntries", ...common, prev, entries, commit: asIndex(commit), probe };
    }),
);

const others: fc.Arbitrary<PeerMessage> = ids.chain((common) =>
  fc.oneof(
    fc.record({
      type: fc.constant("requestVote" as const),
      ...constants(common),
      pre: fc.boolean(),
      last: idWithin(common.term - 1),
      transfer: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("voteReply" as const),
      ...constants(common),
      pre: fc.boolean(),
      granted: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("appendReply" as const),
      ...constants(common),
      index: number.map(asIndex),
      hint: fc.option(idWithin(common.term)),
    }),
    fc.record({
      type: fc.constant("heartbeat" as const),
      ...constants(common),
      commit: number.map(asIndex),
      round: number,
    }),
    fc.record({
      type: fc.constant("heartbeatReply" as const),
      ...constants(common),
      round: number,
      patient: fc.boolean(),
    }),
    fc.record({ type: fc.constant("timeoutNow" as const), ...constants(common) }),
  ),
);

function constants(common: Pick<PeerMessage, "from" | "to" | "term">) {
  const { from, to, term } = common;
  return { from: fc.constant(from), to: fc.constant(to), term: fc.constant(term) };
}

const message = fc.oneof(append, others);

/** Data as arrays of numbers: a view and a buffer with the same bytes are the same message. */
const plain = (from: PeerMessage | string): unknown =>
  typeof from === "object" && from.type === "appendEntries"
    ? {
        ...from,
        entries: from.entries.map(({ term, index, kind: own, data: bytes }) => ({
          id: `${term}/${index} ${own}`,
          data: Buffer.from(bytes).toString("hex"),
        })),
      }
    : from;

const appendOf = (
  changes: Partial<Extract<PeerMessage, { type: "appendEntries" }>>,
): Extract<PeerMessage, { type: "appendEntries" }> => ({
  type: "appendEntries",
  from: asNode(1),
  to: asNode(2),
  term: asTerm(5),
  prev: { term: asTerm(3), index: asIndex(10) },
  entries: [entryOf(3, 11), entryOf(5, 12)],
  commit: asIndex(10),
  probe: false,
  ...changes,
});

function entryOf(term: number, index: number): Entry {
  return { term: asTerm(term), index: asIndex(index), kind: "data", data: Buffer.from("data") };
}

describe("a message", () => {
  test("comes back as it was sent", () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(plain(decodeMessage(encoded(sent)))).toEqual(plain(sent));
      }),
      { seed: 1, numRuns: 800 },
    );
  });

  test("keeps its bytes: the format is an agreement between versions", () => {
    expect(encoded(appendOf({ entries: [entryOf(3, 11)] })).toString("hex")).toBe(
      [
        "02020000" + "01000000" + "0100000000000000" + "0200000000000000" + "0500000000000000",
        "0300000000000000" + "0a00000000000000" + "0a00000000000000",
        "3c8a0c3a" + "04000000" + "00000000" + "00000000" + "0300000000000000" + "0b00000000000000",
        "64617461",
      ].join(""),
    );
  });

  test("passes large data on by reference and copies small data together", () => {
    const large = Buffer.alloc(100_000, 1);
    const parts = encodeMessage(
      appendOf({
        entries: [
          entryOf(3, 11),
          { ...entryOf(3, 12), data: large },
          entryOf(3, 13),
          entryOf(3, 14),
        ],
      }),
    );
    expect(parts.map(({ byteLength }) => byteLength)).toEqual([56, 36, 100_032, 72]);
    const [, , record] = parts;
    expect(Buffer.compare(record?.subarray(recordHeadBytes) ?? large.subarray(1), large)).toBe(0);
  });
});

describe("what is refused", () => {
  test.each<[string, PeerMessage, RegExp]>([
    ["a gap", appendOf({ entries: [entryOf(3, 11), entryOf(3, 13)] }), /13 follows 11/],
    ["an index that regresses", appendOf({ entries: [entryOf(3, 10)] }), /10 follows 10/],
    ["a falling term", appendOf({ entries: [entryOf(4, 11), entryOf(3, 12)] }), /term falls/],
    ["a term below the one before", appendOf({ entries: [entryOf(2, 11)] }), /term falls/],
    [
      "a membership that cannot be read",
      appendOf({ entries: [{ ...entryOf(3, 11), kind: "membership" }] }),
      /unreadable membership/,
    ],
    ["an entry above the message's term", appendOf({ entries: [entryOf(6, 11)] }), /in term 5/],
    [
      "an entry of term 0",
      appendOf({ prev: { term: asTerm(0), index: asIndex(0) }, entries: [entryOf(0, 1)] }),
      /term 0/,
    ],
    [
      "a previous entry above the message's term",
      appendOf({ prev: { term: asTerm(6), index: asIndex(10) }, entries: [] }),
      /in term 5/,
    ],
    [
      "term 0 at an index",
      appendOf({ prev: { term: asTerm(0), index: asIndex(10) }, entries: [] }),
      /entry id 10 of term 0/,
    ],
    ["a leader in term 0", { ...appendOf({ entries: [] }), term: asTerm(0) }, /term 0/],
    ["a message to its sender", appendOf({ to: asNode(1) }), /own sender/],
    ["node 0", appendOf({ from: asNode(0) }), /node id 0/],
    [
      "a candidate whose log is of its own term",
      {
        type: "requestVote",
        from: asNode(1),
        to: asNode(2),
        term: asTerm(5),
        pre: false,
        last: { term: asTerm(5), index: asIndex(3) },
        transfer: false,
      },
      /entry of term 5 in term 4/,
    ],
    [
      "a hint above the term",
      {
        type: "appendReply",
        from: asNode(1),
        to: asNode(2),
        term: asTerm(5),
        index: asIndex(4),
        hint: { term: asTerm(6), index: asIndex(3) },
      },
      /entry of term 6/,
    ],
  ])("%s", (_name, sent, reason) => {
    expect(decodeMessage(encoded(sent))).toMatch(reason);
  });

  test.each<[string, (bytes: Buffer) => unknown, RegExp]>([
    ["another version", (bytes) => bytes.writeUInt8(1, 0), /version 1/],
    ["an unknown type", (bytes) => bytes.writeUInt8(9, 1), /type 9/],
    ["a flag of another type", (bytes) => bytes.writeUInt8(1, 2), /flags/],
    ["a reserved byte", (bytes) => bytes.writeUInt8(1, 3), /flags/],
    ["a term of 2^53", (bytes) => bytes.writeBigUInt64LE(2n ** 53n, 24), /2\^53/],
    ["a commit of 2^64 - 1", (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n, 48), /2\^53/],
    ["an entry index of 2^53", (bytes) => bytes.writeBigUInt64LE(2n ** 53n, 80), /2\^53/],
    ["an unknown kind", (bytes) => bytes.writeUInt32LE(3, 64), /kind/],
    ["an unknown group", (bytes) => bytes.writeUInt32LE(1, 68), /group/],
    ["an entry with a wrong checksum", (bytes) => bytes.writeUInt8(0x65, 88), /checksum/],
    ["four billion entries", (bytes) => bytes.writeUInt32LE(2 ** 32 - 1, 4), /claimed/],
    ["one entry too many", (bytes) => bytes.writeUInt32LE(3, 4), /truncated|claimed/],
    ["one entry too few", (bytes) => bytes.writeUInt32LE(1, 4), /trailing/],
    [
      "an entry of four billion bytes",
      (bytes) => bytes.writeUInt32LE(2 ** 32 - 1, 60),
      /truncated/,
    ],
  ])("%s", (_name, change, reason) => {
    const bytes = encoded(appendOf({}));
    change(bytes);
    expect(decodeMessage(bytes)).toMatch(reason);
  });

  test("a snapshot's place, which only a node itself may give to its core", () => {
    const bytes = encoded(appendOf({ entries: [] }));
    bytes.writeUInt8(7, 1);
    const membership = Buffer.from('{"members":[],"nextId":1}');
    expect(decodeMessage(Buffer.concat([bytes, membership]))).toBe("unknown message type 7");
  });

  test("every truncation and every trailing byte", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const whole = encoded(sent);
        const step = whole.length > 2000 ? 997 : 1;
        for (let length = 0; length < whole.length; length += step) {
          expect(typeof decodeMessage(whole.subarray(0, length))).toBe("string");
        }
        expect(decodeMessage(Buffer.concat([whole, Buffer.alloc(1)]))).toBe("trailing bytes");
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  test("whatever bytes come: an answer without a throw, and what passes is what it says", () => {
    const mutation = fc.record({ at: fc.nat(), to: fc.nat(255), keep: fc.nat(300) });
    fc.assert(
      fc.property(message, fc.array(mutation, { minLength: 1, maxLength: 4 }), (sent, changes) => {
        const bytes = encoded(sent);
        for (const { at, to } of changes) bytes[at % Math.min(bytes.length, 120)] = to;
        const found = decodeMessage(bytes);
        if (typeof found !== "string") expect(encoded(found).equals(bytes)).toBe(true);
      }),
      { seed: 3, numRuns: 2500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof decodeMessage(bytes)).toBe("string");
      }),
      { seed: 4, numRuns: 3000 },
    );
  });
});
