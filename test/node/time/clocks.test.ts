// What is known of the members' wall clocks, and what a majority of them says.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clockFreshMs, clockWordsKept } from "../../../src/constants.ts";
import { Clocks } from "../../../src/node/time/clocks.ts";
import { asNode } from "../../../src/raft/core/types.ts";

const epochMs = 1_700_000_000_000;
const [one, two, three] = [asNode(1), asNode(2), asNode(3)];
const voters = [one, two, three];

class Scene {
  trueMs = 0;
  ownOffsetMs = 0;
  readonly clocks = new Clocks({
    self: one,
    wallMs: () => epochMs + this.trueMs + this.ownOffsetMs,
    monotonicMs: () => this.trueMs,
  });

  /** The clock of a member is ahead by `offsetMs`, and its word was under way for `delayMs`. */
  told(member: number, offsetMs: number, delayMs = 0): void {
    this.clocks.told(asNode(member), epochMs + this.trueMs + offsetMs - delayMs);
  }
}

describe("what is known of a clock", () => {
  it("goes on with time, and is told as the distance from this node's clock", () => {
    const scene = new Scene();
    scene.told(2, 3_000);
    scene.trueMs += 700;
    expect(scene.clocks.says(two)).toBe(epochMs + 3_700);
    expect(scene.clocks.offsetMs(two)).toBe(3_000);
    expect(scene.clocks.offsetMs(one)).toBe(0);
    expect(scene.clocks.offsetMs(three)).toBeNull();
  });

  it("is not spoilt by a jump of this node's own clock", () => {
    const scene = new Scene();
    scene.told(2, 0);
    scene.ownOffsetMs = -3_600_000;
    expect(scene.clocks.says(two)).toBe(epochMs);
  });

  it("comes from the word that was under way for the shortest time", () => {
    const scene = new Scene();
    for (const delayMs of [80, 5, 400]) scene.told(2, 0, delayMs);
    expect(scene.clocks.offsetMs(two)).toBe(-5);
  });

  it("follows a clock that was put back, after a few words", () => {
    const scene = new Scene();
    for (let word = 0; word < clockWordsKept; word++) scene.told(2, 0);
    for (let word = 0; word < clockWordsKept; word++) scene.told(2, -60_000);
    expect(scene.clocks.offsetMs(two)).toBe(-60_000);
  });

  it("is forgotten when nothing is heard for long, or this node's machine was suspended", () => {
    const scene = new Scene();
    scene.told(2, 0);
    scene.trueMs += clockFreshMs + 1;
    expect(scene.clocks.offsetMs(two)).toBeNull();
    scene.told(2, 0);
    expect(scene.clocks.noticeJump()).toBe(false);
    scene.ownOffsetMs += 600_000;
    expect([scene.clocks.noticeJump(), scene.clocks.noticeJump()]).toEqual([true, false]);
    expect(scene.clocks.offsetMs(two)).toBeNull();
  });
});

describe("what a majority says", () => {
  it("is the median of three clocks", () => {
    const scene = new Scene();
    scene.told(2, 3_600_000);
    scene.told(3, 20);
    expect(scene.clocks.majoritySays(voters)).toEqual({
      atLeast: epochMs + 20,
      atMost: epochMs + 20,
    });
  });

  it("lies between two clocks when the third voter was not heard: neither of them is wrong for certain", () => {
    const scene = new Scene();
    scene.told(2, 3_600_000);
    const both = { atLeast: epochMs, atMost: epochMs + 3_600_000 };
    expect(scene.clocks.majoritySays(voters)).toEqual(both);
    expect(scene.clocks.majoritySays([one, two])).toEqual(both);
  });

  it("is nothing while only a minority was heard, and this node's clock in a cluster of one", () => {
    const scene = new Scene();
    expect(scene.clocks.majoritySays(voters)).toBeNull();
    expect(scene.clocks.majoritySays([])).toBeNull();
    expect(scene.clocks.majoritySays([one])).toEqual({ atLeast: epochMs, atMost: epochMs });
    scene.told(2, 0);
    expect(scene.clocks.majoritySays([two, three])).toBeNull();
  });

  it("lies within the range of the right clocks, whatever a minority says and however many were heard", () => {
    const offset = fc.integer({ min: -1e12, max: 1e12 });
    const right = fc.integer({ min: -100, max: 100 });
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 4, 5, 7),
        fc.array(offset, { minLength: 3, maxLength: 3 }),
        fc.array(right, { minLength: 7, maxLength: 7 }),
        fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
        (size, wrong, rights, heard) => {
          const minority = Math.ceil(size / 2) - 1;
          const offsets = [rights[0], ...wrong.slice(0, minority), ...rights.slice(minority + 1)];
          const scene = new Scene();
          scene.ownOffsetMs = rights[0] ?? 0;
          for (const [at, offsetMs] of offsets.slice(0, size).entries()) {
            if (at > 0 && heard[at] === true) scene.told(at + 1, offsetMs ?? 0);
          }
          const ids = Array.from({ length: size }, (_, at) => asNode(at + 1));
          const says = scene.clocks.majoritySays(ids);
          if (says === null) return;
          expect(says.atLeast).toBeLessThanOrEqual(epochMs + 100);
          expect(says.atMost).toBeGreaterThanOrEqual(epochMs - 100);
          expect(says.atLeast).toBeLessThanOrEqual(says.atMost);
        },
      ),
    );
  });
});
