// Ticks for consensus: few timers while nothing is urgent, and yet each tick counts once, in its own time.

import { calmTicks, tickMs } from "../constants.ts";

export interface TickerPorts {
  /** So many ticks are due, at least one: a turn after all of them is enough. */
  readonly tick: (count: number) => void;
  /** Every single tick matters now: somebody may be about to be elected. */
  readonly isHasty: () => boolean;
  /** A clock that only ever goes forward, in ms. */
  readonly monotonicMs: () => number;
}

/**
 * In haste a timer rings for every tick, else once for `calmTicks` of them. `catchUp` comes before each event from
 * outside, so that ticks from before the event never count as time after it: an election timer that the event resets
 * would run out too early. While the process stood still it could not hear the others, so of a stall no more ticks
 * count than those of one timer.
 */
export class Ticker {
  readonly #ports: TickerPorts;
  #timer: NodeJS.Timeout | undefined;
  /** When the newest tick was due. */
  #lastMs = 0;
  /** Of the timer that is set. */
  #ticksApart = calmTicks;
  #isOn = false;

  constructor(ports: TickerPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#isOn = true;
    this.#lastMs = this.#ports.monotonicMs();
    this.#set(this.#lastMs);
  }

  stop(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  /** Makes the ticks that are due. */
  catchUp(): void {
    if (!this.#isOn) return;
    const nowMs = this.#ports.monotonicMs();
    const due = Math.floor((nowMs - this.#lastMs) / tickMs);
    const ticks = Math.min(due, this.#ticksApart);
    this.#lastMs += due * tickMs;
    if (ticks > 0) this.#ports.tick(ticks);
  }

  /** After whatever may have brought haste: the next tick comes when it is due, not with others. */
  hasten(): void {
    if (!this.#isOn || this.#ticksApart === 1 || !this.#ports.isHasty()) return;
    const nowMs = this.#ports.monotonicMs();
    // Ticks that were due before the haste began are dropped; the next one comes at its own time.
    this.#lastMs += Math.floor((nowMs - this.#lastMs) / tickMs) * tickMs;
    this.#set(nowMs);
  }

  #set(nowMs: number): void {
    clearTimeout(this.#timer);
    this.#ticksApart = this.#ports.isHasty() ? 1 : calmTicks;
    const waitMs = this.#lastMs + this.#ticksApart * tickMs - nowMs;
    this.#timer = setTimeout(this.#ring, Math.max(1, Math.ceil(waitMs)));
  }

  readonly #ring = (): void => {
    this.catchUp();
    if (this.#isOn) this.#set(this.#ports.monotonicMs());
  };
}
