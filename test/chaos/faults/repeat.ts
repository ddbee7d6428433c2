// Something done again and again while a fault holds.

import { setImmediate } from "node:timers/promises";

/** Begins at once; what it gives back waits for the round under way and ends it, with its error. */
export function repeatedly(round: (isOver: () => boolean) => Promise<void>): () => Promise<void> {
  let isOver = false;
  const rounds = (async () => {
    while (!isOver) {
      await round(() => isOver);
      // A round that finds nothing to do ends at once: without this nothing else would ever run.
      await setImmediate();
    }
  })();
  const settled = rounds.then(
    () => null,
    (error: unknown) => error,
  );
  return async () => {
    isOver = true;
    const error = await settled;
    if (error !== null) throw error;
  };
}
