// The wire of the simulation: what is urgent waits for what is on it only, bulk waits for its turn.

import { expect, test } from "vitest";
import { bulkKindMin, headBytes } from "../../src/net/peers/piece.ts";
import { Lane, type LaneOptions } from "./link.ts";

const urgent = 1;
const bulk = bulkKindMin;
const second = 1_000_000;

/** A frame that takes so many bytes on the wire. */
const frame = (kind: number, bytes: number) => ({
  kind,
  body: Buffer.alloc(bytes - headBytes),
});

function newLane(options: Partial<LaneOptions> = {}): Lane {
  const lane = new Lane({
    ...{ bytesPerSecond: 1_000, windowBytes: 100, queueBytesMax: Number.POSITIVE_INFINITY },
    ...{ delay: () => 0, overtakes: () => {} },
    ...options,
  });
  lane.clear(0);
  return lane;
}

const arrivals = ({ frames }: Lane) => frames.map(({ kind, arrives }) => [kind, arrives]);

/** Goes on with the queue until it is empty. */
function pumpAll(lane: Lane, from = 0): void {
  for (let now: number | null = from; now !== null; ) now = lane.pump(Math.ceil(now));
}

test("a heartbeat waits for the window of a large entry, not for the entry", () => {
  let overtaken = 0;
  const lane = newLane({ overtakes: () => (overtaken += 1) });
  expect(lane.add(frame(bulk, 5_000), 0)).toBe(true);
  expect(lane.pump(0)).toBe(0.1 * second);
  lane.add(frame(urgent, 50), 10_000);
  expect(arrivals(lane)).toEqual([[urgent, 0.15 * second]]);
  expect(overtaken).toBe(1);
  pumpAll(lane, 0.15 * second);
  expect(arrivals(lane).at(-1)).toEqual([bulk, 5.05 * second]);
});

test("order holds within each kind, and bulk never overtakes what is urgent", () => {
  const delays = [500, 100, 300, 50, 10];
  const lane = newLane({
    ...{ bytesPerSecond: Number.POSITIVE_INFINITY, windowBytes: Number.POSITIVE_INFINITY },
    delay: () => delays.shift() ?? 0,
  });
  for (const kind of [bulk, urgent, urgent, bulk, bulk]) {
    lane.add(frame(kind, 20), 0);
    pumpAll(lane);
  }
  expect(arrivals(lane)).toEqual([
    [urgent, 100],
    [urgent, 300],
    [bulk, 500],
    [bulk, 500],
    [bulk, 500],
  ]);
});

test("bulk beyond the limit of the queue is not taken, unless the queue is empty", () => {
  const lane = newLane({ queueBytesMax: 300 });
  expect(lane.add(frame(bulk, 1_000), 0)).toBe(true);
  expect(lane.add(frame(bulk, 20), 0)).toBe(false);
  expect(lane.add(frame(urgent, 20), 0)).toBe(true);
  pumpAll(lane);
  expect(lane.add(frame(bulk, 20), second)).toBe(true);
});

test("what is queued is gone with its connection", () => {
  const lane = newLane();
  lane.add(frame(bulk, 1_000), 0);
  lane.pump(0);
  expect(lane.hasQueue).toBe(true);
  lane.clear(7);
  expect([lane.hasQueue, lane.frames.length]).toEqual([false, 0]);
  lane.add(frame(urgent, 20), 7);
  expect(arrivals(lane)).toEqual([[urgent, 20_007]]);
});
