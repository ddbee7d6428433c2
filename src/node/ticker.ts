// Ticks for consensus: few timers while nothing is urgent, and yet each tick counts once, in its own time.

import { calmTicks, tickMs } from "../constants.ts";

export interface TickerPorts {
  readonly tick: () => void;
  /** Every single tick matters now: somebody may be about to be elected. */
  readonly isHasty: () => boolean;
  /** A clock that only ever goes forward, in ms. */
  readonly monotonicMs: () => number;
}

/**
 * In haste a timer rings for every tick, else for `calmTicks` of them. Whoever lets an event in calls `catchUp`
 * first, so that ticks from before the event never count as time after it: an election timer that was just
 * reset would run out too early. When the process stood still, that was no time in which it could have heard
 * of others: of a stall no more counts than the ticks of one timer.
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
    for (let tick = 0; tick < ticks; tick++) this.#ports.tick();
  }

  /** After whatever may have brought haste: the next tick comes when it is due, not with others. */
  hasten(): void {
    if (!this.#isOn || this.#ticksApart === 1 || !this.#ports.isHasty()) return;
    const nowMs = this.#ports.monotonicMs();
    // Those before the haste began count no more; the next one keeps its place in time.
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
