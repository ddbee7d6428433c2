// A queue against an array.

import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Fifo } from "../../../src/node/replica/fifo.ts";
import { seeded } from "../../support/log-random.ts";

test.for([1, 2, 3])(
  "gives back in order what came, however it grows and shrinks (seed %i)",
  (seed) => {
    const random = seeded(seed);
    const queue = new Fifo<number>();
    const model: number[] = [];
    for (let step = 0; step < 20_000; step++) {
      // For long it grows, then for long it shrinks.
      const isGrowing = Math.floor(step / 1_000) % 2 === 0;
      if (random.integer(10) < (isGrowing ? 7 : 3)) {
        queue.push(step);
        model.push(step);
      } else if (model.length > 0) expect(queue.shift()).toBe(model.shift());
      expect([queue.length, queue.first()]).toEqual([model.length, model[0]]);
      if (step % 100 === 0) {
        expect([...queue]).toEqual(model);
        expect(model.map((_, position) => queue.at(position))).toEqual(model);
      }
    }
    expect(() => queue.at(queue.length)).toThrow("a position within the queue");
  },
);

test("keeps nothing alive that has left it", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const queue = new Fifo<object>();
  const left = Array.from({ length: 20 }, () => {
    const item = {};
    queue.push(item);
    return new WeakRef(item);
  });
  queue.push({});
  for (const _ of left) queue.shift();
  await turn();
  collect();
  expect(left.filter((item) => item.deref() !== undefined)).toEqual([]);
});
