// What the tests of the log share: entries by a few words, saves as promises, contents to compare.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { encodeMembership } from "../../src/raft/core/membership.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type HardState,
  type Membership,
} from "../../src/raft/core/types.ts";
import type { LogStore } from "../../src/raft/ports.ts";
import {
  openSegmentLog,
  type SegmentLog,
  type SegmentLogOptions,
} from "../../src/raft/storage/segment-log.ts";
import { type Random, seeded } from "./log-random.ts";

export const entry = (term: number, index: number, text = `${term}/${index}`): Entry => ({
  term: asTerm(term),
  index: asIndex(index),
  kind: "data",
  data: Buffer.from(text, "latin1"),
});

export const noop = (term: number, index: number): Entry => ({
  ...entry(term, index, ""),
  kind: "noop",
});

export const membershipOf = (...ids: number[]): Membership => ({
  members: ids.map((id) => ({ id: asNode(id), voter: true, address: `host-${id}:7000` })),
  nextId: asNode(Math.max(0, ...ids) + 1),
});

export const membershipEntry = (term: number, index: number, ...ids: number[]): Entry => ({
  ...entry(term, index),
  kind: "membership",
  data: encodeMembership(membershipOf(...ids)),
});

export const hardState = (term: number, vote: number | null = null): HardState => ({
  term: asTerm(term),
  votedFor: vote === null ? null : asNode(vote),
});

/** Resolves when the save is on disk. */
export function saved(
  log: LogStore,
  entries: readonly Entry[],
  state: HardState | null = null,
): Promise<void> {
  return new Promise((resolve) => {
    log.save({ hardState: state, entries }, resolve);
  });
}

/** Everything that a reader of a log can see, in a form that compares well. */
export interface Contents {
  readonly hardState: HardState;
  readonly first: number;
  readonly last: number;
  /** "term/index kind data" */
  readonly entries: readonly string[];
  readonly members: readonly number[] | null;
}

export const describeEntry = ({ term, index, kind, data }: Entry): string =>
  `${term}/${index} ${kind} ${Buffer.from(data).toString("latin1")}`;

export function contents(log: LogStore): Contents {
  const { firstIndex, lastIndex } = log;
  const entries =
    firstIndex <= lastIndex ? log.slice(firstIndex, lastIndex, Number.POSITIVE_INFINITY) : [];
  const terms = entries.map(({ index }) => log.term(index));
  if (entries.some(({ term }, at) => term !== terms[at])) throw new Error("terms differ");
  const membership = log.membershipAt(lastIndex)?.membership;
  return {
    hardState: log.hardState,
    first: firstIndex,
    last: lastIndex,
    entries: entries.map(describeEntry),
    members: membership?.members.map(({ id }) => id) ?? null,
  };
}

/** A directory on the disk that goes away with the test. */
export function testDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "kvorum-log-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Opens a log that must be sound; a failure of the disk fails the test. */
export async function openLog(options: Partial<SegmentLogOptions>): Promise<SegmentLog> {
  const log = await openSegmentLog({
    directory: "log",
    onFailure: (error) => {
      throw error;
    },
    ...options,
  });
  if ("damaged" in log) throw new Error(`damaged: ${log.damaged}`);
  return log;
}

/** A save as a leader or a follower could make it: appends, or overwrites a tail in a later term. */
export function randomSave(
  random: Random,
  log: LogStore,
): { readonly hardState: HardState | null; readonly entries: readonly Entry[] } {
  const overwrites = random.chance(0.25) && log.lastIndex >= log.firstIndex;
  const back = overwrites ? random.integer(Math.min(6, log.lastIndex - log.firstIndex + 1)) + 1 : 0;
  const start = log.lastIndex + 1 - back;
  const highest = log.term(log.lastIndex) ?? log.hardState.term;
  const term = highest + (overwrites || random.chance(0.1) || highest === 0 ? 1 : 0);
  const entries: Entry[] = [];
  for (let left = random.integer(5); left > 0; left -= 1) {
    const index = start + entries.length;
    const kind = random.integer(12);
    if (kind === 0) entries.push(noop(term, index));
    else if (kind === 1) entries.push(membershipEntry(term, index, 1, 2 + random.integer(9)));
    else entries.push({ ...entry(term, index), data: random.bytes(random.integer(90)) });
  }
  const vote = random.chance(0.5) ? 1 + random.integer(5) : null;
  const state = random.chance(0.3) || entries.length === 0 ? hardState(term, vote) : null;
  return { hardState: state, entries };
}

/** Fills a log with saves of chance; the contents after each, the empty log first. */
export async function fill(log: LogStore, saves: number, seed: number): Promise<Contents[]> {
  const random = seeded(seed);
  const history = [contents(log)];
  for (let done = 0; done < saves; done += 1) {
    const save = randomSave(random, log);
    await saved(log, save.entries, save.hardState);
    history.push(contents(log));
  }
  return history;
}
