// The promises that every log store makes, as one suite for all of them.

import { describe, expect, it } from "vitest";
import { asIndex, asTerm, type Entry, type HardState } from "../../../src/raft/core/types.ts";
import type { LogStore, RestartPoint } from "../../../src/raft/ports.ts";
import {
  contents,
  describeEntry,
  entry,
  hardState,
  membershipEntry,
  membershipOf,
  noop,
} from "../../support/log-model.ts";

/** A store as the suite drives it. */
export interface Subject {
  /** The store of this moment: some subjects open a new one after each step. */
  readonly log: LogStore;
  save(entries: readonly Entry[], state?: HardState): Promise<void>;
  restart(point: RestartPoint): Promise<void>;
  close(): Promise<void>;
}

const all = Number.POSITIVE_INFINITY;
const read = (log: LogStore, from: number, to: number, bytesMax = all): readonly string[] =>
  log.slice(asIndex(from), asIndex(to), bytesMax).map(describeEntry);

export function logStoreContract(name: string, open: () => Promise<Subject>): void {
  describe(`the promises of a log store: ${name}`, () => {
    it("is empty at first", async () => {
      const subject = await open();
      expect(contents(subject.log)).toEqual({
        hardState: { term: 0, votedFor: null },
        first: 1,
        last: 0,
        entries: [],
        members: null,
      });
      expect(subject.log.term(asIndex(1))).toBe(null);
      expect(subject.log.membershipAt(asIndex(9))).toBe(null);
      await subject.close();
    });

    it("gives back what was saved: data, kinds, terms, hard state", async () => {
      const subject = await open();
      await subject.save([noop(1, 1), entry(1, 2, "\x00\xff\r\n")], hardState(1, 3));
      await subject.save([membershipEntry(2, 3, 1, 2, 3), entry(2, 4, "")]);
      expect(read(subject.log, 1, 2)).toEqual(["1/1 noop ", "1/2 data \x00\xff\r\n"]);
      expect(read(subject.log, 4, 4)).toEqual(["2/4 data "]);
      expect(subject.log.hardState).toEqual({ term: 1, votedFor: 3 });
      expect([1, 2, 3, 4, 5].map((index) => subject.log.term(asIndex(index)))).toEqual([
        1,
        1,
        2,
        2,
        null,
      ]);
      await subject.close();
    });

    it("keeps the newest hard state, with or without a vote, and numbers up to 2^53 - 1", async () => {
      const subject = await open();
      const highest = Number.MAX_SAFE_INTEGER;
      await subject.save([entry(1, 1)], hardState(1, 2));
      await subject.save([], hardState(highest, highest));
      await subject.save([entry(highest, 2)]);
      expect(subject.log.hardState).toEqual({ term: highest, votedFor: highest });
      await subject.save([], hardState(highest));
      expect(subject.log.hardState).toEqual({ term: highest, votedFor: null });
      expect(subject.log.term(asIndex(2))).toBe(highest);
      await subject.close();
    });

    it("forgets the old tail when an earlier index is written again", async () => {
      const subject = await open();
      await subject.save([entry(1, 1), entry(1, 2), entry(1, 3), entry(1, 4)]);
      await subject.save([entry(2, 2, "new")]);
      expect(contents(subject.log).entries).toEqual(["1/1 data 1/1", "2/2 data new"]);
      expect(subject.log.lastIndex).toBe(2);
      expect(subject.log.term(asIndex(3))).toBe(null);
      await subject.save([entry(3, 1, "all")]);
      await subject.save([entry(3, 2)]);
      expect(contents(subject.log).entries).toEqual(["3/1 data all", "3/2 data 3/2"]);
      await subject.close();
    });

    it("gives as many entries as fit into the bytes, and at least one", async () => {
      const subject = await open();
      await subject.save([entry(1, 1, "aaaa"), entry(1, 2, "bbbb"), entry(1, 3, "cccc")]);
      expect(read(subject.log, 1, 3, 8)).toHaveLength(2);
      expect(read(subject.log, 1, 3, 11)).toHaveLength(2);
      expect(read(subject.log, 1, 3, 12)).toHaveLength(3);
      expect(read(subject.log, 2, 3, 0)).toEqual(["1/2 data bbbb"]);
      await subject.close();
    });

    it("knows the membership in force at an index, and rolls it back with its entry", async () => {
      const subject = await open();
      await subject.save([membershipEntry(1, 1, 1), entry(1, 2), membershipEntry(1, 3, 1, 2)]);
      const at = (index: number) => subject.log.membershipAt(asIndex(index));
      expect(at(0)).toBe(null);
      expect(at(2)).toMatchObject({ index: 1, membership: membershipOf(1) });
      expect(at(3)).toMatchObject({ index: 3, membership: membershipOf(1, 2) });
      await subject.save([entry(2, 3)]);
      expect(at(9)).toMatchObject({ index: 1 });
      await subject.close();
    });

    it("refuses a hole, a falling term and an entry below the first one", async () => {
      const subject = await open();
      await subject.save([entry(2, 1)]);
      await expect(subject.save([entry(2, 3)])).rejects.toThrow(/hole/);
      await expect(subject.save([entry(2, 2), entry(2, 4)])).rejects.toThrow(/follows/);
      await expect(subject.save([entry(1, 2)])).rejects.toThrow(/term falls/);
      await expect(subject.save([entry(3, 2), entry(2, 3)])).rejects.toThrow(/term falls/);
      await expect(subject.save([entry(2, 0)])).rejects.toThrow(/index 0/);
      expect(contents(subject.log).entries).toEqual(["2/1 data 2/1"]);
      await subject.save([entry(2, 2)]);
      expect(subject.log.lastIndex).toBe(2);
      await subject.close();
    });

    it("takes one save at a time", async () => {
      const subject = await open();
      const first = subject.save([entry(1, 1)]);
      if (subject.log.lastIndex === 0) {
        await expect(subject.save([entry(1, 2)])).rejects.toThrow(/one save/);
      }
      await first;
      expect(subject.log.lastIndex).toBe(1);
      await subject.close();
    });

    it("keeps what a cut below an index must keep", async () => {
      const subject = await open();
      await subject.save([membershipEntry(1, 1, 1, 2), membershipEntry(1, 2, 1)], hardState(4, 2));
      for (let index = 3; index <= 30; index += 1) await subject.save([entry(2, index)]);
      subject.log.cutBefore(asIndex(20));
      await subject.save([entry(3, 31)]);
      const { log } = subject;
      expect(log.firstIndex).toBeLessThanOrEqual(20);
      expect(read(log, 20, 31)).toHaveLength(12);
      expect(log.hardState).toEqual({ term: 4, votedFor: 2 });
      expect(log.membershipAt(asIndex(31))).toMatchObject({ index: 2 });
      expect(log.term(asIndex(log.firstIndex - 2))).toBe(null);
      if (log.firstIndex > 3) expect(log.term(asIndex(log.firstIndex - 1))).toBe(2);
      await subject.close();
    });

    it("goes on behind a snapshot", async () => {
      const subject = await open();
      await subject.save([membershipEntry(1, 1, 1), entry(1, 2)], hardState(5, 1));
      const { data } = membershipEntry(4, 900, 1, 2);
      const base = { term: asTerm(4), index: asIndex(1000) };
      await subject.restart({ base, membership: { index: asIndex(900), data } });
      expect(contents(subject.log)).toMatchObject({ first: 1001, last: 1000, members: [1, 2] });
      expect(subject.log.term(asIndex(1000))).toBe(4);
      expect(subject.log.term(asIndex(2))).toBe(null);
      await subject.save([entry(5, 1001)]);
      expect(contents(subject.log)).toEqual({
        hardState: { term: 5, votedFor: 1 },
        first: 1001,
        last: 1001,
        entries: ["5/1001 data 5/1001"],
        members: [1, 2],
      });
      expect(subject.log.membershipAt(asIndex(899))).toBe(null);
      await subject.close();
    });
  });
}
