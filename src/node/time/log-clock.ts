// The clock that entries are stamped with: it goes on by itself, and no single wall clock moves it.

import { clockDriftMs, logTimeDraw } from "../../constants.ts";
import type { MajorityTime } from "./clocks.ts";

export interface LogClockPorts {
  readonly monotonicMs: () => number;
  /** Of the newest applied entry. */
  readonly logTimeMs: () => number;
  readonly majoritySays: () => MajorityTime | null;
}

/**
 * Every node has one, so that whoever becomes leader goes on where the last one stopped. It goes by the monotonic
 * clock, is drawn gently towards what most wall clocks say, and steps forward only when a majority
 * says that time has passed which nobody has counted: while all nodes were down, or their machines suspended.
 * A majority of clocks that is put forward together cannot be told from that.
 */
export class LogClock {
  readonly #ports: LogClockPorts;
  #timeMs: number;
  /** When, by the monotonic clock, it was `#timeMs`. */
  #atMs: number;
  #isSettled = false;

  constructor(ports: LogClockPorts) {
    this.#ports = ports;
    this.#timeMs = ports.logTimeMs();
    this.#atMs = ports.monotonicMs();
  }

  /** Never falls, and is never below the time of an applied entry. */
  now(): number {
    this.#goOn();
    return Math.floor(this.#timeMs);
  }

  /**
   * For an entry with writes. Null until a majority of clocks was heard: were the clock to step forward
   * right after a write, the time to live that came with it would be over too soon.
   */
  stamp(): number | null {
    const timeMs = this.now();
    return this.#isSettled ? timeMs : null;
  }

  /** Nobody may have counted the time that has just passed: a majority has to be heard anew. */
  unsettle(): void {
    this.#isSettled = false;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  #goOn(): void {
    const { monotonicMs, logTimeMs, majoritySays } = this.#ports;
    const passedMs = monotonicMs() - this.#atMs;
    this.#timeMs = Math.max(this.#timeMs, logTimeMs());
    // In many small steps the rounding errors would add up.
    if (passedMs < 1 && this.#isSettled) return;
    this.#atMs += passedMs;
    this.#timeMs += passedMs;
    const says = majoritySays();
    if (says === null) return;
    this.#isSettled = true;
    this.#timeMs = drawn(this.#timeMs, passedMs, says);
  }
}

function drawn(timeMs: number, passedMs: number, { atLeast, atMost }: MajorityTime): number {
  if (timeMs < atLeast - clockDriftMs) return atLeast;
  const drawMs = logTimeDraw * passedMs;
  if (timeMs < atLeast) return Math.min(atLeast, timeMs + drawMs);
  return timeMs > atMost ? Math.max(atMost, timeMs - drawMs) : timeMs;
}
