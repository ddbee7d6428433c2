// The keys of a checkpoint's records: their kinds, their order, and where a checksum begins.
//
// m                                     the meta record: what all the others must be (meta.ts)
// o, node u48                           how far the writes of a node are applied
// p, object id u48, part u32            64 KiB of a long value
// q, partition id u48                   one partition: whose it is, how many keys it has
// r, partition id u48, position u32     one key with its value
//
// All numbers are big endian, so LevelDB's order is ours: whatever a record refers to comes before it. Ids are never
// used again: FLUSHDB leaves its partitions behind, and RENAME, MOVE and SWAPDB move no long value.

export type RecordKind = "origin" | "part" | "partition" | "record";

const prefixes: Readonly<Record<RecordKind, number>> = {
  origin: 0x6f,
  part: 0x70,
  partition: 0x71,
  record: 0x72,
};
const kinds = new Map(
  Object.entries(prefixes).map(([kind, prefix]) => [prefix, kind as RecordKind]),
);

const shortBytes = 7;
const longBytes = 11;
/** Ids have 48 bits, and so has the first one that is not used yet. */
export const idMax: number = 2 ** 48 - 1;

function bytesOf(kind: RecordKind): number {
  return kind === "part" || kind === "record" ? longBytes : shortBytes;
}

/** Writes keys into the same memory, good until the next call. */
export class RecordKeyWriter {
  readonly #short = Buffer.alloc(shortBytes);
  readonly #long = Buffer.alloc(longBytes);

  write(kind: RecordKind, id: number, place = 0): Buffer {
    const key = bytesOf(kind) === longBytes ? this.#long : this.#short;
    key[0] = prefixes[kind];
    key.writeUIntBE(id, 1, 6);
    if (key === this.#long) key.writeUInt32BE(place, shortBytes);
    return key;
  }
}

/** A key of its own. */
export function recordKey(kind: RecordKind, id: number, place = 0): Buffer {
  return Buffer.from(new RecordKeyWriter().write(kind, id, place));
}

/** Reads one key after the other; the fields hold until the next call. */
export class RecordKeyReader {
  kind: RecordKind = "record";
  id = 0;
  place = 0;

  /** False when it is the key of no record. */
  read(key: Buffer): boolean {
    const kind = kinds.get(key[0] ?? 0);
    if (kind === undefined || key.length !== bytesOf(kind)) return false;
    this.kind = kind;
    this.id = key.readUInt16BE(1) * 2 ** 32 + key.readUInt32BE(3);
    this.place = key.length === longBytes ? key.readUInt32BE(shortBytes) : 0;
    return true;
  }

  get seed(): number {
    return checksumSeed(this.kind, this.id, this.place);
  }

  /** In words. */
  get text(): string {
    return textOf(this.kind, this.id, this.place);
  }
}

function textOf(kind: RecordKind, id: number, place: number): string {
  switch (kind) {
    case "origin":
      return `origin ${id}`;
    case "part":
      return `part ${place} of object ${id}`;
    case "partition":
      return `partition ${id}`;
    case "record":
      return `record ${place} of partition ${id}`;
  }
}

/**
 * What the checksum of a record starts with: 32 bits of its key, so it covers the key too. Two keys that one flipped bit
 * sets apart give different ones, and then all checksums of equal bytes differ.
 */
export function checksumSeed(kind: RecordKind, id: number, place: number): number {
  const high = Math.floor(id / 2 ** 32);
  const ids = Math.imul(id, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
  return (place ^ ids ^ Math.imul(prefixes[kind], 0xc2b2ae35)) >>> 0;
}
