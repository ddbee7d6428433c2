// Processor time as Linux tells it.

import { expect, test } from "vitest";
import { microsOf, processorMicros } from "../../benchmarks/processor-time.ts";

/** User time 172 ticks, system time 65, and 9 and 8 of children that were waited for. */
const stat = (name: string): string =>
  `4677 (${name}) S 4671 4677 4671 0 -1 4194304 2466 31 7 1 172 65 9 8 20 0 11 0 41285 1083273216 21743 18446744073709551615 1 1 0 0 0 0 0 4096 134234626 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n`;

test("user and system time are added, in microseconds, without those of children", () => {
  expect(microsOf(stat("node"))).toBe(2_370_000);
});

test.each(["tmux: server", "(sd-pam)", "a) R 1 2 3 (b", "9 9 9 9 9 9 9 9 9 9 9 9 9 9", ""])(
  "a command named %j changes nothing",
  (name) => {
    expect(microsOf(stat(name))).toBe(2_370_000);
  },
);

test("a text that ends before the times is refused", () => {
  expect(() => microsOf("4677 (node) S 4671 4677")).toThrow("without times");
});

test("the time of this process grows while it works", () => {
  const before = processorMicros(process.pid);
  const deadline = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < deadline);
  expect(processorMicros(process.pid)).toBeGreaterThan(before);
});
