// Ticks in virtual time: as many as there is time for, in few timers, and none too early.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { calmTicks, tickMs } from "../../src/constants.ts";
import { Ticker } from "../../src/node/ticker.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function running() {
  const state = { isHasty: false, at: [] as number[] };
  const begunMs = performance.now();
  const now = (): number => performance.now() - begunMs;
  const ticker = new Ticker({
    tick: (count) => state.at.push(...Array(count).fill(now())),
    isHasty: () => state.isHasty,
    monotonicMs: now,
  });
  ticker.start();
  return { state, ticker };
}

const calmMs = calmTicks * tickMs;

it("ticks share a timer while nothing is urgent", () => {
  const { state } = running();
  vi.advanceTimersByTime(calmMs - 1);
  expect(state.at).toEqual([]);
  vi.advanceTimersByTime(1 + calmMs);
  expect(state.at).toEqual([
    ...Array(calmTicks).fill(calmMs),
    ...Array(calmTicks).fill(2 * calmMs),
  ]);
});

it("in haste each tick comes in its own time, and the first one with no delay", () => {
  const { state, ticker } = running();
  vi.advanceTimersByTime(2.5 * tickMs);
  state.isHasty = true;
  ticker.hasten();
  vi.advanceTimersByTime(2.5 * tickMs);
  expect(state.at).toEqual([3 * tickMs, 4 * tickMs, 5 * tickMs]);
  state.isHasty = false;
  vi.advanceTimersByTime(tickMs + calmMs);
  expect(state.at.slice(3)).toEqual([6 * tickMs, ...Array(calmTicks).fill(6 * tickMs + calmMs)]);
});

it("ticks from before an event are made before it, and never count as time after it", () => {
  const { state, ticker } = running();
  vi.advanceTimersByTime(3.5 * tickMs);
  ticker.catchUp();
  expect(state.at).toEqual(Array(3).fill(3.5 * tickMs));
  vi.advanceTimersByTime(calmMs - 3.5 * tickMs);
  expect(state.at.length).toBe(calmTicks);
});

it.each([
  ["calm", false, calmTicks],
  ["haste", true, 1],
])("of a stall in %s no more counts than one timer's ticks", (_, isHasty, most) => {
  const { state, ticker } = running();
  state.isHasty = isHasty;
  ticker.hasten();
  vi.setSystemTime(Date.now() + 1_000);
  const stalled = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 1_000);
  ticker.catchUp();
  ticker.catchUp();
  expect(state.at.length).toBe(most);
  stalled.mockRestore();
});

it("makes none before it is started or after it was stopped", () => {
  const { state, ticker } = running();
  ticker.stop();
  vi.advanceTimersByTime(1_000);
  ticker.catchUp();
  ticker.hasten();
  vi.advanceTimersByTime(1_000);
  expect(state.at).toEqual([]);
});
