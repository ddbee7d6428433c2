// Delta debugging: the shortest sequence found that still shows a difference.

import type { Words } from "../support/raw-client.ts";

/**
 * Removes chunks of commands, halving their size, while `fails` holds; then shortens words. Replays
 * are bounded, so the result is small rather than proven minimal.
 */
export async function shrink(
  commands: readonly Words[],
  fails: (commands: readonly Words[]) => Promise<boolean>,
  replaysMax = 400,
): Promise<readonly Words[]> {
  let left = replaysMax;
  const stillFails = async (candidate: readonly Words[]): Promise<boolean> => {
    if (left === 0) return false;
    left--;
    return await fails(candidate);
  };
  const fewer = await dropCommands(commands, stillFails);
  return await shortenWords(fewer, stillFails);
}

async function dropCommands(
  commands: readonly Words[],
  fails: (commands: readonly Words[]) => Promise<boolean>,
): Promise<readonly Words[]> {
  let kept = commands;
  let size = Math.ceil(kept.length / 2);
  while (size >= 1 && kept.length > 1) {
    let removed = false;
    for (let at = 0; at < kept.length; ) {
      const candidate = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (candidate.length > 0 && (await fails(candidate))) {
        kept = candidate;
        removed = true;
      } else at += size;
    }
    if (size === 1 && !removed) break;
    size = removed ? size : Math.floor(size / 2);
    size = Math.min(Math.max(size, 1), kept.length);
  }
  return kept;
}

async function shortenWords(
  commands: readonly Words[],
  fails: (commands: readonly Words[]) => Promise<boolean>,
): Promise<readonly Words[]> {
  let kept = commands;
  for (let row = 0; row < kept.length; row++) {
    const words = kept[row] as Words;
    for (let at = 1; at < words.length; at++) {
      if ((words[at] as string).length < 8) continue;
      const candidate = kept.with(row, (kept[row] as Words).with(at, "v"));
      if (await fails(candidate)) kept = candidate;
    }
  }
  return kept;
}
