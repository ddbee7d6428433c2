// Judges what stands behind the last whole save: torn by a crash, so never acknowledged, or damaged.

import { headOf, isHeadZeroed, saveHeadBytes } from "./save.ts";
import { countBlankInFile, isSectorStart } from "./sectors.ts";
import type { SegmentReader } from "./segment-reader.ts";

/**
 * Null when a crash can have left this: of the save that was being written at `at`, to a file that held
 * zeros there or that ended early, some sectors are there as a whole and some not at all. Else what is wrong.
 */
export function damageAt(reader: SegmentReader, at: number, mark: Buffer): string | null {
  const head = headOf(reader, at, mark);
  if (head === null) {
    return isHeadZeroed(reader, at) ? null : "a save has a damaged head";
  }
  if (head.end > reader.end && isSectorStart(reader.end)) return null;
  const blank = countBlankInFile(reader, at + saveHeadBytes, head.end);
  return blank > head.blankSectors ? null : "a save was written as a whole and is damaged";
}
