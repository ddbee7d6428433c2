// How far a start is with its loading, as INFO and the log of the process tell it.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { Loading } from "../../src/node/loading.ts";
import { LoadingReport } from "../../src/node/loading-report.ts";

const MiB = 2 ** 20;

describe("the bytes that are loaded", () => {
  test("grow by the share of each step, and never beyond all of it", () => {
    const loading = new Loading(1_000);
    loading.expect("reading the checkpoint", 1_000);
    loading.expect("checking the log", 500);
    expect(loading).toMatchObject({ startedAtMs: 1_000, totalBytes: 1_500, loadedBytes: 0 });
    loading.reach(0.25);
    expect(loading.loadedBytes).toBe(250);
    loading.reach(7);
    expect(loading.loadedBytes).toBe(1_000);
    loading.begin("checking the log");
    loading.reach(0.5);
    expect(loading.loadedBytes).toBe(1_250);
  });

  test("count a step that was passed over as done, and follow what is known better later", () => {
    const loading = new Loading(0);
    loading.expect("checking the log", 64 * MiB);
    loading.begin("checking the log");
    loading.reach(0.1);
    loading.expect("checking the log", MiB);
    loading.expect("applying the log", 3 * MiB);
    loading.begin("applying the log");
    expect(loading).toMatchObject({ totalBytes: 4 * MiB, loadedBytes: MiB });
  });

  test("do not fall when less is reached than before", () => {
    const loading = new Loading(0);
    loading.expect("reading the checkpoint", 100);
    loading.reach(0.5);
    loading.reach(0.4);
    expect(loading.loadedBytes).toBe(50);
  });
});

describe("the log of the process", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function reported() {
    const lines: string[] = [];
    const logger = createLogger("info", {
      write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg),
    });
    const loading = new Loading(0);
    return { lines, loading, report: new LoadingReport(loading, logger) };
  }

  test("says nothing of a loading that takes less than a second", () => {
    const { lines, report } = reported();
    vi.advanceTimersByTime(999);
    report.end(7);
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual([]);
  });

  test("tells a longer one after a second, then every three seconds, and at the end", () => {
    const { lines, loading, report } = reported();
    loading.expect("reading the checkpoint", 3_000 * MiB);
    loading.expect("checking the log", 1_000 * MiB);
    loading.reach(0.1);
    vi.advanceTimersByTime(1_000);
    expect(lines.splice(0)).toEqual([
      "loading the state: reading the checkpoint, 300 of 4,000 MiB (7 %); clients are answered -LOADING meanwhile",
    ]);
    vi.advanceTimersByTime(2_999);
    expect(lines).toEqual([]);
    loading.reach(0.5);
    vi.advanceTimersByTime(1);
    loading.begin("checking the log");
    vi.advanceTimersByTime(3_000);
    expect(lines.splice(0)).toEqual([
      "loading the state: reading the checkpoint, 1,500 of 4,000 MiB (37 %)",
      "loading the state: checking the log, 3,000 of 4,000 MiB (75 %)",
    ]);
    vi.advanceTimersByTime(500);
    report.end(1_234_567);
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual(["the state is loaded: 1,234,567 keys, 4,000 MiB read in 7.5 s"]);
  });

  test("ends with a start that is called off", () => {
    const { lines, report } = reported();
    vi.advanceTimersByTime(1_000);
    expect(lines.length).toBe(1);
    report.stop();
    vi.advanceTimersByTime(60_000);
    expect(lines.length).toBe(1);
  });
});
