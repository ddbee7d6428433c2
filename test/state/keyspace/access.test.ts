// How use is counted in one word per key, against the tables of Redis' documentation of LFU.

import { describe, expect, it } from "vitest";
import {
  countWord,
  decayedCount,
  firstCount,
  idleSeconds,
  idleWord,
  raisedCount,
} from "../../../src/state/keyspace/access.ts";
import { AccessClock } from "../../../src/state/keyspace/access-clock.ts";
import { SeededRandom } from "../../../src/state/random.ts";

const nowMs = 1_700_000_000_000;
const minute = 60_000;

/** The mean counter after so many uses of a new key within a minute. */
function meanOf(uses: number, logFactor: number): number {
  const random = new SeededRandom();
  random.seed(logFactor, uses);
  const rounds = uses > 10_000 ? 4 : 40;
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    let count = firstCount;
    for (let use = 0; use < uses; use++) {
      count = raisedCount(count, random.next(), { logFactor, decayMinutes: 1 });
    }
    sum += count;
  }
  return sum / rounds;
}

describe("how often a key was used", () => {
  // redis.conf, "LFU tuning": factor, and the counter after 100, 1000, 100 K and 1 M hits.
  it.each([
    [0, [104, 255, 255, 255]],
    [1, [18, 49, 255, 255]],
    [10, [10, 18, 142, 255]],
    [100, [8, 11, 49, 143]],
  ])("with lfu-log-factor %i is the counter that redis.conf shows", (logFactor, shown) => {
    const hits = [100, 1_000, 100_000, 1_000_000];
    shown.forEach((count, at) => {
      const mean = meanOf(hits[at] as number, logFactor);
      expect(Math.abs(mean - count)).toBeLessThanOrEqual(2 + count / 10);
    });
  });

  it("falls by one in lfu-decay-time minutes without a use, and never when that is 0", () => {
    const word = countWord(nowMs, 50);
    const decayed = (minutes: number, decayMinutes: number): number =>
      decayedCount(word, nowMs + minutes * minute, { logFactor: 10, decayMinutes });
    expect([decayed(0, 1), decayed(1, 1), decayed(7, 1), decayed(60, 1)]).toEqual([50, 49, 43, 0]);
    expect([decayed(7, 5), decayed(10, 5), decayed(60, 0)]).toEqual([49, 48, 50]);
  });

  it("survives the end of the 16 bits of minutes", () => {
    const last = Math.ceil(nowMs / minute / 65_536) * 65_536 * minute - 1;
    const word = countWord(last, 9);
    expect(decayedCount(word, last + 2 * minute, { logFactor: 10, decayMinutes: 1 })).toBe(7);
  });

  it("begins with 5, rises with the first use, and is 255 at most", () => {
    const clock = new AccessClock(1);
    clock.begin("rare", nowMs);
    const first = clock.first(nowMs);
    expect(clock.count(first, nowMs)).toBe(5);
    expect(clock.count(clock.used(first, nowMs), nowMs)).toBe(6);
    expect(raisedCount(255, 0, { logFactor: 0, decayMinutes: 1 })).toBe(255);
  });
});

describe("how long ago a key was used", () => {
  it("is the time since, to a sixteenth of a second", () => {
    const word = idleWord(nowMs);
    expect(idleSeconds(word, nowMs)).toBe(0);
    expect(idleSeconds(word, nowMs + 125)).toBe(0.125);
    expect(idleSeconds(word, nowMs + 3_600_000)).toBe(3_600);
  });

  it("is nothing when the use seems to lie ahead, because two clocks differ", () => {
    expect(idleSeconds(idleWord(nowMs + 5_000), nowMs)).toBe(0);
  });

  it("counts from the beginning when nothing is known of the key", () => {
    const clock = new AccessClock(1);
    clock.begin("idle", nowMs);
    expect(clock.idleSeconds(0, nowMs + 2_000)).toBe(2);
  });
});
