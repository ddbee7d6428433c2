// How far a start is with bringing the state back: which step it is at, and how many bytes are read.

import type { LoadingProgress } from "../state/commands/session-context.ts";

/** In this order; a step that has nothing to read is passed over. */
export const loadingSteps = [
  "reading the checkpoint",
  "checking the log",
  "looking through the log",
  "applying the log",
] as const;
export type LoadingStep = (typeof loadingSteps)[number];

/**
 * Counts the bytes of files: of a checkpoint as many as the records that were taken are a share of all records, and of
 * entries likewise. How many there are in all is known better with each step.
 */
export class Loading implements LoadingProgress {
  readonly startedAtMs: number;
  readonly #bytes = new Map<LoadingStep, number>();
  #step: LoadingStep = loadingSteps[0];
  /** Of the step, from 0 to 1. */
  #share = 0;
  #isOver = false;

  constructor(nowMs: number) {
    this.startedAtMs = nowMs;
  }

  /** So many bytes are to be read in this step. */
  expect(step: LoadingStep, bytes: number): void {
    this.#bytes.set(step, bytes);
  }

  /** The steps before it are done. */
  begin(step: LoadingStep): void {
    this.#step = step;
    this.#share = 0;
  }

  reach(share: number): void {
    this.#share = Math.min(1, Math.max(this.#share, share));
  }

  /** The node serves. */
  end(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }
  get step(): LoadingStep {
    return this.#step;
  }
  bytesOf(step: LoadingStep): number {
    return this.#bytes.get(step) ?? 0;
  }
  get totalBytes(): number {
    return this.#sum(loadingSteps);
  }
  get loadedBytes(): number {
    const before = loadingSteps.slice(0, loadingSteps.indexOf(this.#step));
    return this.#sum(before) + Math.floor(this.#share * this.bytesOf(this.#step));
  }

  #sum(steps: readonly LoadingStep[]): number {
    return steps.reduce((sum, step) => sum + this.bytesOf(step), 0);
  }
}
