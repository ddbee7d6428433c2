// The figures that redis-benchmark prints.

import { expect, test } from "vitest";
import { figuresOf } from "../../benchmarks/redis-benchmark.ts";

const section = (name: string, steps: string, rate: string, latencies: string): string => `
====== ${name} ======
  30000 requests completed in 0.79 seconds
  1 parallel clients

Latency by percentile distribution:
${steps}

Cumulative distribution of latencies:
99.783% <= 0.103 milliseconds (cumulative count 29935)
99.930% <= 8.103 milliseconds (cumulative count 29968)
100.000% <= 9.103 milliseconds (cumulative count 30000)

Summary:
  throughput summary: ${rate} requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
${latencies}
`;

const steps = `0.000% <= 0.023 milliseconds (cumulative count 26954)
93.750% <= 0.031 milliseconds (cumulative count 29495)
99.805% <= 0.119 milliseconds (cumulative count 29946)
99.902% <= 0.239 milliseconds (cumulative count 29973)
100.000% <= 5.279 milliseconds (cumulative count 30000)`;

const set = section(
  "SET",
  steps,
  "37926.68",
  "        0.025     0.016     0.023     0.031     0.047     5.279",
);

test("rate, p50 and p99 come from the summary, p99.9 from the first step that reaches it", () => {
  expect(figuresOf(set)).toEqual({
    operationsPerSecond: 37_926.68,
    p50Ms: 0.023,
    p99Ms: 0.047,
    p999Ms: 0.239,
  });
});

test("the last of several sections counts: LRANGE fills its list with LPUSH first", () => {
  const push = section(
    "LPUSH",
    "100.000% <= 7.000 milliseconds (cumulative count 9)",
    "1.00",
    " 1 2 3 4 5 6",
  );
  expect(figuresOf(push + set)).toEqual(figuresOf(set));
});

test("steps that jump over 99.9 % count as the step above it", () => {
  const jump = set.replace(/^99\.902%.*\n/m, "");
  expect(figuresOf(jump).p999Ms).toBe(5.279);
});

test("what is not printed is not a number", () => {
  expect(Object.values(figuresOf("Could not connect to Redis"))).toEqual([NaN, NaN, NaN, NaN]);
});
