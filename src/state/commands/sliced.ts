// Commands that may take long: their work in steps, so that whoever runs them can pause between two of them.

import type { Reply } from "../../resp/reply.ts";
import type { Steps } from "../steps.ts";

/** What a handler may return instead of a reply. For everybody else the state stands still until it has ended. */
export type SlicedReply = Steps<Reply>;

/** Keys that one step looks at. About 0.2 ms of work, much less than a slice (`readSliceMs`, `applySliceMs`). */
export const stepKeys = 1_000;
/** Comparisons of two bytes that one step makes; a key counts as so many: see `matchCost`. */
export const stepBytes = 64 * 1024;
const bytesPerKey = stepBytes / stepKeys;

/** No reply is anything that has a `next`. */
export function isSliced(answer: Reply | SlicedReply): answer is SlicedReply {
  return typeof answer === "object" && answer !== null && "next" in answer;
}

/** All steps at once, for whoever need not pause. */
export function finish<Outcome>(steps: Steps<Outcome>): Outcome {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The share of `stepBytes` that looking at a key costs, matched with a pattern at worst (glob.ts). */
export function matchCost(patternLength: number, keyLength: number): number {
  return bytesPerKey + patternLength * keyLength;
}
