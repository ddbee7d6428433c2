// Who is warned of, and who leads, when clocks are wrong.

import { describe, expect, it } from "vitest";
import { clockFreshMs, clockWrongChecks } from "../../../src/constants.ts";
import { ClockGuard, type ClockGuardOptions } from "../../../src/node/time/clock-guard.ts";
import { Clocks } from "../../../src/node/time/clocks.ts";
import { asIndex, asNode } from "../../../src/raft/core/types.ts";

const epochMs = 1_700_000_000_000;

/** Node 1 of three, or of so many, leads; everybody's clock is heard. */
class Scene {
  readonly lines: string[] = [];
  readonly transfers: number[] = [];
  readonly offsets: number[];
  readonly full = new Set<number>();
  readonly silent = new Set<number>();
  readonly matches = [10, 10, 9, 8, 7];
  isLeader = true;
  logTimeMs = epochMs;
  passedMs = 0;
  readonly #clocks: Clocks;
  readonly #guard: ClockGuard;

  constructor(size = 3, learner = 0) {
    this.offsets = Array.from({ length: size }, () => 0);
    const ids = this.offsets.map((_, at) => asNode(at + 1));
    this.#clocks = new Clocks({
      self: asNode(1),
      wallMs: () => epochMs + this.passedMs + (this.offsets[0] ?? 0),
      monotonicMs: () => this.passedMs,
    });
    const members = ids.map((id) => ({ id, voter: id !== learner, address: "" }));
    const scene = this;
    this.#guard = new ClockGuard({
      driver: {
        core: {
          id: asNode(1),
          membership: { members, nextId: asNode(size + 1) },
          progress: () =>
            ids.map((id) => ({
              id,
              match: asIndex(this.matches[id - 1] ?? 0),
              active: !this.silent.has(id),
            })),
        },
        get isLeader() {
          return scene.isLeader;
        },
        transfer: (to: number) => {
          this.transfers.push(to);
          return null;
        },
      } as unknown as ClockGuardOptions["driver"],
      clocks: this.#clocks,
      logTimeMs: () => this.logTimeMs,
      mayLead: (id) => !this.full.has(id),
      logger: {
        warn: (line: string) => this.lines.push(`warn: ${line}`),
        info: (line: string) => this.lines.push(`info: ${line}`),
      } as unknown as ClockGuardOptions["logger"],
    });
  }

  /** Everybody tells the time and the guard looks, so many times; the lines that this wrote. */
  check(checks = clockWrongChecks): readonly string[] {
    this.lines.length = 0;
    for (let each = 0; each < checks; each++) this.#checkOnce();
    return [...this.lines];
  }

  #checkOnce(): void {
    for (const [at, offsetMs] of this.offsets.entries()) {
      if (Number.isNaN(offsetMs)) continue; // It tells nothing any more.
      // As often as it takes to be believed after a clock was put back.
      for (let word = 0; word < 4; word++)
        this.#clocks.told(asNode(at + 1), epochMs + this.passedMs + offsetMs);
    }
    this.#guard.check();
  }
}

describe("warnings", () => {
  it("name a member whose clock is wrong once, and say when it is right again", () => {
    const scene = new Scene();
    expect(scene.check()).toEqual([]);
    scene.offsets[1] = 3_600_000;
    expect(scene.check()).toEqual([
      "warn: the clock of node 2 is 3600.0 s ahead of what most voters' clocks say: " +
        "set it (NTP); it does not lead while another can",
    ]);
    expect(scene.check()).toEqual([]);
    scene.offsets[1] = 700;
    expect(scene.check()).toEqual([]);
    scene.offsets[1] = 20;
    expect(scene.check()).toEqual(["info: the clock of node 2 is right again"]);
  });

  it("do not take a wrong clock for right because too few others are heard to tell", () => {
    const scene = new Scene();
    scene.offsets[1] = 3_600_000;
    scene.check();
    scene.offsets[2] = Number.NaN;
    scene.passedMs += 2 * clockFreshMs;
    const lines = scene.check();
    expect(lines.some((line) => line.includes("right again"))).toBe(false);
    expect(lines.join()).toContain("apart");
  });

  it("name this node itself, and a learner", () => {
    const scene = new Scene(4, 4);
    scene.offsets[0] = -1_500;
    scene.offsets[3] = 2_000;
    const lines = scene.check();
    expect(lines[0]).toContain("the clock of this node (1) is 1.5 s behind");
    expect(lines[1]).toContain("the clock of node 4 is 2.0 s ahead of");
  });

  it("say that two voters' clocks are apart, and blame neither", () => {
    const scene = new Scene(2);
    scene.offsets[1] = 3_600_000;
    expect(scene.check()).toEqual([
      "warn: the voters' clocks are 3600.0 s apart, and no majority says which are right: set them (NTP)",
    ]);
    expect(scene.transfers).toEqual([]);
    scene.offsets[1] = 0;
    expect(scene.check()).toEqual(["info: most voters' clocks agree again"]);
  });
});

describe("a clock that only looks wrong", () => {
  it("for a moment, because its node stood still, is not called wrong", () => {
    const scene = new Scene();
    scene.offsets[1] = -3_000;
    expect(scene.check(clockWrongChecks - 1)).toEqual([]);
    scene.offsets[1] = 0;
    scene.check(1);
    scene.offsets[1] = -3_000;
    expect(scene.check(clockWrongChecks - 1)).toEqual([]);
    expect(scene.check(1)[0]).toContain("the clock of node 2 is 3.0 s behind");
  });
});

describe("log time that is ahead of the clocks", () => {
  it("is told of once, with what it means, and so is its end", () => {
    const scene = new Scene(1);
    scene.logTimeMs = epochMs + 3_600_000;
    const [line = ""] = scene.check();
    expect(line).toContain("log time is 3600.0 s ahead of the clocks");
    expect(line).toContain("EXPIREAT");
    expect(scene.check()).toEqual([]);
    scene.logTimeMs = epochMs + 100;
    expect(scene.check()).toEqual(["info: log time agrees with the clocks again"]);
  });
});

describe("a leader with a wrong clock", () => {
  it("hands over to the voter that is furthest along and has a right one", () => {
    const scene = new Scene(5);
    scene.offsets[0] = 2_000;
    scene.offsets[1] = -2_000;
    scene.check();
    expect(scene.transfers).toEqual([3]);
  });

  it("goes on while nobody else can lead", () => {
    const scene = new Scene(4, 4);
    scene.offsets[0] = 2_000;
    scene.full.add(2);
    scene.silent.add(3);
    scene.check();
    expect(scene.transfers).toEqual([]);
    scene.silent.clear();
    scene.check(1);
    expect(scene.transfers).toEqual([3]);
  });

  it("is nobody's concern while it follows, or while its own clock is right", () => {
    const scene = new Scene();
    scene.offsets[1] = 2_000;
    scene.check();
    scene.isLeader = false;
    scene.offsets[0] = 5_000;
    scene.offsets[1] = 0;
    scene.check();
    expect(scene.transfers).toEqual([]);
  });
});
