// Small JSON files with a format and a checksum, by which damage is noticed.

import { crc32 } from "node:zlib";

/** What JSON holds, before anything is known of it. */
export type Fields = Readonly<Partial<Record<string, unknown>>>;

export interface CheckedFile<Content extends object> {
  readonly name: string;
  /** The highest that this program knows. */
  readonly format: number;
  /** The content, with its fields in the order in which they are written; null when the fields are not valid. */
  readonly parse: (fields: Fields) => Content | null;
}

export function encodeChecked<Content extends object>(
  { format }: CheckedFile<Content>,
  content: Content,
): Buffer {
  const fields = { format, ...content, checksum: checksumOf(format, content) };
  return Buffer.from(`${JSON.stringify(fields, null, 2)}\n`);
}

/** The content, or what is wrong with the file and what to do. */
export function decodeChecked<Content extends object>(
  { name, format, parse }: CheckedFile<Content>,
  text: string,
): Content | string {
  const damaged =
    `${name} is damaged: bring it back from a backup, ` +
    "or let this node join anew with an empty directory";
  const fields = parseFields(text);
  if (fields === null) return damaged;
  const { format: found, checksum } = fields;
  if (typeof found === "number" && found > format) {
    return (
      `was written by a newer version of kvorum (format ${found}, this one knows up to ` +
      `${format}): start that version`
    );
  }
  const content = found === format ? parse(fields) : null;
  return content !== null && checksum === checksumOf(format, content) ? content : damaged;
}

/** Whether a value is a whole number above 0. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** Over the values in their order, so that the names of the fields are no part of it. */
function checksumOf(format: number, content: object): string {
  const text = JSON.stringify([format, ...Object.values(content)]);
  return crc32(text).toString(16).padStart(8, "0");
}

function parseFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Fields) : null;
  } catch {
    return null;
  }
}
