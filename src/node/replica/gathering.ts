// Whether what is collected leaves now, or waits a few turns for requests that are about to come.

import { shareBytesMax, shareTurnsMax } from "../../constants.ts";

/** The expected number falls by this share each time something leaves. */
const forgottenShare = 1 / 8;

/**
 * A batch or a round costs about the same for one request as for fifty. Clients that sent requests lately and wait
 * for no reply now will probably send more soon, so it pays to wait for them. When every recent client waits for a
 * reply already, nothing is gained by waiting. So one client never waits, and fifty share.
 */
export class Gathering {
  /** How many clients waited at once at most, lately. */
  #expected = 0;
  #turns = 0;

  /**
   * Once per turn in which something is collected. `waiting`: all who wait for a reply, collected or on their way.
   * False: another turn is wanted.
   */
  mayLeave(waiting: number, collectedBytes: number): boolean {
    const isComplete = waiting >= this.#expected || collectedBytes >= shareBytesMax;
    if (!isComplete && this.#turns < shareTurnsMax) {
      this.#turns += 1;
      return false;
    }
    this.#turns = 0;
    const remembered = Math.floor(this.#expected * (1 - forgottenShare));
    this.#expected = Math.max(waiting, remembered);
    return true;
  }
}
