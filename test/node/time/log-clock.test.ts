// The clock of the log: it never falls, never jumps by one node's clock, and loses no time that nobody counted.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clocks, type MajorityTime } from "../../../src/node/time/clocks.ts";
import { LogClock } from "../../../src/node/time/log-clock.ts";
import { asNode } from "../../../src/raft/core/types.ts";

const epochMs = 1_700_000_000_000;

class Scene {
  monotonicMs = 0;
  logTimeMs = epochMs;
  says: MajorityTime | null = null;
  readonly clock: LogClock;

  constructor(says: MajorityTime | null = null) {
    this.says = says;
    this.clock = new LogClock({
      monotonicMs: () => this.monotonicMs,
      logTimeMs: () => this.logTimeMs,
      majoritySays: () => this.says,
    });
  }

  /** Most clocks are so far from log time, and go on with it. */
  runsFor(ms: number, offsetMs = 0): number {
    const before = this.clock.now();
    for (let passed = 0; passed < ms; passed += 10) {
      this.monotonicMs += 10;
      const timeMs = epochMs + this.monotonicMs + offsetMs;
      this.says = { atLeast: timeMs, atMost: timeMs };
      this.clock.now();
    }
    return this.clock.now() - before;
  }
}

/** The first of three nodes; one of their clocks is wrong. */
class ThreeNodes {
  trueMs = 0;
  #ownOffsetMs = 0;
  readonly #clocks = new Clocks({
    self: asNode(1),
    wallMs: () => epochMs + this.trueMs + this.#ownOffsetMs,
    monotonicMs: () => this.trueMs,
  });
  readonly clock = new LogClock({
    monotonicMs: () => this.trueMs,
    logTimeMs: () => epochMs,
    majoritySays: () => this.#clocks.majoritySays([1, 2, 3].map(asNode)),
  });

  /** Everybody tells its time; `offsetMs`: of node `wrong`, which is silent when it is null. */
  pass(ms: number, wrong: number, offsetMs: number | null): void {
    this.trueMs += ms;
    const timeMs = epochMs + this.trueMs;
    if (wrong === 1) this.#ownOffsetMs = offsetMs ?? 0;
    else if (offsetMs !== null) this.#clocks.told(asNode(2), timeMs + offsetMs);
    if (wrong === 1) this.#clocks.told(asNode(2), timeMs);
    this.#clocks.told(asNode(3), timeMs);
    if (this.#clocks.noticeJump()) this.clock.unsettle();
  }
}

const exactly = (timeMs: number): MajorityTime => ({ atLeast: timeMs, atMost: timeMs });

describe("the log clock", () => {
  it("goes on with the monotonic clock while no majority is heard", () => {
    const scene = new Scene();
    scene.monotonicMs += 1_234;
    expect(scene.clock.now()).toBe(epochMs + 1_234);
  });

  it("goes on from the newest entry, which another leader has stamped", () => {
    const scene = new Scene();
    scene.logTimeMs += 5_000;
    expect(scene.clock.now()).toBe(epochMs + 5_000);
    scene.monotonicMs += 10;
    expect(scene.clock.now()).toBe(epochMs + 5_010);
  });

  it("is drawn at a twentieth of the time that passes, in both directions", () => {
    expect(new Scene(exactly(epochMs + 900)).runsFor(2_000, 900)).toBe(2_100);
    expect(new Scene(exactly(epochMs - 3_600_000)).runsFor(2_000, -3_600_000)).toBe(1_900);
  });

  it("is drawn no further than to what the majority says", () => {
    expect(new Scene(exactly(epochMs + 30)).runsFor(2_000, 30)).toBe(2_030);
    expect(new Scene(exactly(epochMs - 30)).runsFor(2_000, -30)).toBe(1_970);
  });

  it("is left alone between the two clocks of which a majority says nothing", () => {
    const scene = new Scene({ atLeast: epochMs - 1e6, atMost: epochMs + 1e6 });
    scene.monotonicMs += 2_000;
    expect(scene.clock.now()).toBe(epochMs + 2_000);
  });

  it("steps at once over time that nobody has counted", () => {
    const scene = new Scene(exactly(epochMs + 600_000));
    expect(scene.clock.now()).toBe(epochMs + 600_000);
  });

  it("stamps no write before a majority was heard, at the start and after time that nobody counted", () => {
    const scene = new Scene();
    expect(scene.clock.stamp()).toBeNull();
    scene.says = exactly(epochMs + 600_000);
    expect(scene.clock.stamp()).toBe(epochMs + 600_000);
    scene.says = null;
    expect(scene.clock.stamp()).toBe(epochMs + 600_000);
    scene.clock.unsettle();
    expect(scene.clock.stamp()).toBeNull();
    expect(scene.clock.now()).toBe(epochMs + 600_000);
  });
});

describe("whatever the clocks say", () => {
  const step = fc.record({
    passedMs: fc.integer({ min: 0, max: 5_000 }),
    behindMs: fc.integer({ min: -1e7, max: 1e7 }),
    widthMs: fc.constantFrom(0, 0, 100, 1e6),
    heard: fc.boolean(),
  });

  it("it never falls, and goes at 0.95 to 1.05 unless a majority says that over a second was not counted", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const scene = new Scene();
        let before = scene.clock.now();
        for (const { passedMs, behindMs, widthMs, heard } of steps) {
          scene.monotonicMs += passedMs;
          const atLeast = before + behindMs;
          scene.says = heard ? { atLeast, atMost: atLeast + widthMs } : null;
          const now = scene.clock.now();
          expect(now).toBeGreaterThanOrEqual(before);
          expect(now - before).toBeGreaterThanOrEqual(Math.floor(passedMs * 0.95) - 1);
          const isStep = heard && atLeast > before + passedMs + 999;
          if (isStep)
            expect(now).toBeLessThanOrEqual(Math.max(atLeast, before + passedMs * 1.05 + 1));
          else expect(now - before).toBeLessThanOrEqual(passedMs * 1.05 + 1);
          before = now;
        }
      }),
    );
  });

  it("one of three clocks never moves it away from the two others, whoever has the wrong one", () => {
    const wrongs = fc.array(fc.oneof(fc.integer({ min: -1e11, max: 1e11 }), fc.constant(null)), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(wrongs, fc.constantFrom(1, 2), (offsets, wrong) => {
        const three = new ThreeNodes();
        for (const offsetMs of offsets) {
          three.pass(500, wrong, offsetMs);
          expect(Math.abs(three.clock.now() - epochMs - three.trueMs)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
