// A small file that says how much of the log must be there: it shows the loss of a tail or of whole segments.

import { join } from "node:path";
import { crc32 } from "node:zlib";
import { asBuffer, ByteWriter, readU53 } from "../../bytes.ts";
import { type Files, replaceFile } from "../../disk.ts";

/** It may lag behind the log, never run ahead: all it names is on disk. */
export interface Watermark {
  /** Every save up to this one is complete. */
  readonly sequence: number;
  /** Segments below are cut away; those from here to `lastSegment` exist. */
  readonly firstSegment: number;
  readonly lastSegment: number;
  /** 32 bits that name the node whose log this is: the votes in another node's log are not its own. */
  readonly owner: number;
}

const magic = 0x324d574b; // "KWM2"
const length = 36;
export const watermarkName = "watermark";

export async function writeWatermark(
  files: Files,
  directory: string,
  mark: Watermark,
): Promise<void> {
  const into = new ByteWriter(length);
  into.u32(magic);
  into.u32(0);
  into.u53(mark.sequence);
  into.u53(mark.firstSegment);
  into.u53(mark.lastSegment);
  into.u32(mark.owner);
  const written = into.finish();
  written.writeUInt32LE(crc32(written.subarray(8)), 4);
  await replaceFile(files, join(directory, watermarkName), written);
}

/** Null when there is none; a string says what is wrong with it. */
export async function readWatermark(
  files: Files,
  directory: string,
): Promise<Watermark | string | null> {
  const path = join(directory, watermarkName);
  const whole = await files.readWhole(path);
  if (whole === null) return null;
  const bytes = asBuffer(whole);
  const sound =
    bytes.length === length &&
    bytes.readUInt32LE(0) === magic &&
    bytes.readUInt32LE(4) === crc32(bytes.subarray(8));
  if (!sound) return `${path} is damaged`;
  return {
    sequence: readU53(bytes, 8),
    firstSegment: readU53(bytes, 16),
    lastSegment: readU53(bytes, 24),
    owner: bytes.readUInt32LE(32),
  };
}
