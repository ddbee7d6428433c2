// The record of an entry: encoded once, the same memory for peers and log, and refused with any byte changed.

import { describe, expect, test } from "vitest";
import { appendHeadBytes, decodeMessage, encodeMessage } from "../../src/raft/codec.ts";
import { asIndex, asNode, asTerm, type Entry, type MessageOf } from "../../src/raft/core/types.ts";
import { recordHeadBytes, recordOf } from "../../src/raft/record.ts";
import { encodeSave, saveHeadBytes } from "../../src/raft/storage/save.ts";
import { BatchBuilder, encodeProposal } from "../../src/state/execution/proposal.ts";
import { entry as entryOf } from "../support/log-model.ts";

const appendOf = (entries: readonly Entry[]): MessageOf<"appendEntries"> => ({
  type: "appendEntries",
  from: asNode(1),
  to: asNode(2),
  term: asTerm(5),
  prev: { term: asTerm(3), index: asIndex(10) },
  entries,
  commit: asIndex(10),
  probe: false,
});

const encoded = (entries: readonly Entry[]): Buffer =>
  Buffer.concat(encodeMessage(appendOf(entries)));

describe("the record of an entry", () => {
  test("is encoded once: every peer and the log get the same bytes", () => {
    const entry = entryOf(3, 11);
    const record = recordOf(entry);
    const [head, sent] = encodeMessage(appendOf([entry]));
    expect(head).toHaveLength(appendHeadBytes);
    expect(sent).toBe(record);
    expect(entry.data.buffer).toBe(record.buffer);
  });

  test("is the received bytes themselves on a follower, neighbours in one piece", () => {
    const received = encoded([entryOf(3, 11), entryOf(3, 12), entryOf(5, 13)]);
    const found = decodeMessage(received);
    if (typeof found === "string" || found.type !== "appendEntries") throw new Error("no append");
    const records = found.entries.map(recordOf);
    expect(records.every(({ buffer }) => buffer === received.buffer)).toBe(true);
    const [, joined] = encodeMessage(found);
    expect(joined).toHaveLength(3 * (recordHeadBytes + 4));
    expect(joined?.buffer).toBe(received.buffer);
  });

  test("takes the room that a batch of writes kept for it, and is not copied", () => {
    const builder = new BatchBuilder();
    const request = Buffer.from("*1\r\n$4\r\nPING\r\n");
    builder.add(0, 2, 1, request, 0, request.length);
    const stamp = { timeMs: 1, seed: 2, origin: 3, incarnation: 4, firstNumber: 5, count: 1 };
    const body = builder.take();
    for (const isFirst of [true, false]) {
      const bytes = encodeProposal(stamp, body);
      const record = recordOf({ ...entryOf(3, 11), data: bytes });
      expect(record.buffer).toBe(bytes.buffer);
      expect(record.buffer === body.buffer).toBe(isFirst);
      expect(record.subarray(recordHeadBytes).equals(bytes)).toBe(true);
    }
  });

  test("has the head of the save that it begins in front of it: a batch is saved without a copy", () => {
    const builder = new BatchBuilder();
    const request = Buffer.alloc(30_000, 65);
    builder.add(0, 2, 1, request, 0, request.length);
    const stamp = { timeMs: 1, seed: 2, origin: 3, incarnation: 4, firstNumber: 5, count: 1 };
    const entry = { ...entryOf(3, 11), data: encodeProposal(stamp, builder.take()) };
    const content = { sequence: 1, previous: 0, hardState: null, restart: null };
    const place = { mark: Buffer.alloc(8, 1), at: 96 };
    const record = Buffer.from(recordOf(entry));
    const { buffers } = encodeSave(place, { ...content, entries: [entry] });
    expect(buffers).toHaveLength(1);
    expect(buffers[0]?.buffer).toBe(recordOf(entry).buffer);
    expect(Buffer.concat(buffers).subarray(saveHeadBytes).equals(record)).toBe(true);
    const again = encodeSave(place, { ...content, entries: [entry] });
    expect(Buffer.concat(again.buffers).equals(Buffer.concat(buffers))).toBe(true);
    expect(again.buffers[0]?.buffer).not.toBe(buffers[0]?.buffer);
  });

  test("of other data than the entry's is a bug that ends the process", () => {
    const entry = entryOf(3, 11);
    recordOf(entry);
    expect(() => recordOf({ ...entry, data: Buffer.from("3/11") })).toThrow("its own record");
  });

  test("is refused with any byte changed", () => {
    const whole = encoded([entryOf(3, 11), entryOf(5, 12)]);
    for (let at = appendHeadBytes; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 0x10;
      expect(typeof decodeMessage(changed), `byte ${at}`).toBe("string");
    }
  });
});
