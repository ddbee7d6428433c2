// One damage to one file, by chance: what it is, and which bytes are not what they were.

import { saveHeadBytes } from "../../src/raft/storage/save.ts";
import type { Random } from "../support/log-random.ts";
import { type FileKind, filesOf, kindIn, kindsIn } from "./file-kinds.ts";
import { type Image, usedBytes, withFile } from "./image.ts";
import type { Prepared } from "./prepare.ts";

export const damageNames = ["flip", "zero", "swap", "truncate", "remove", "older"] as const;
export type DamageName = (typeof damageNames)[number];

export interface Damage {
  readonly name: DamageName;
  readonly path: string;
  readonly kind: FileKind;
  readonly image: Image;
  /** Half-open ranges of bytes that may differ from what was written. */
  readonly touched: readonly (readonly [number, number])[];
  /** For the reader of a failure. */
  readonly text: string;
}

interface HurtContent extends Pick<Damage, "touched" | "text"> {
  /** Null: the file is gone. */
  readonly content: Buffer | null;
}

/** What one kind of damage does to a content; null when it changes nothing there. */
type Hurt = (content: Buffer, random: Random, known: Known) => HurtContent | null;

interface Known {
  /** An earlier version of the file; null when there was none. */
  readonly older: Buffer | null;
  /** Where in it something stands of which every bit counts. */
  readonly heads: readonly number[];
}

const sectorBytes = 512;
/** In the head of a save are term, vote and lengths. */
const headBytes = saveHeadBytes;
const toTheEnd = (from: number): readonly [number, number] => [from, Number.POSITIVE_INFINITY];

/** Where something can be hurt: the bytes in use, and a little of the zeros behind them. */
const reach = (content: Buffer): number => Math.min(content.length, usedBytes(content) + 64);

function flipped(content: Buffer, at: number, bit: number): HurtContent {
  const copy = Buffer.from(content);
  copy[at] = (copy[at] as number) ^ (1 << bit);
  return { content: copy, touched: [[at, at + 1]], text: `bit ${bit} of byte ${at} flipped` };
}

const hurts: Readonly<Record<DamageName, Hurt>> = {
  flip(content, random, { heads }) {
    if (content.length === 0) return null;
    const head = random.chance(0.5) ? heads[random.integer(heads.length)] : undefined;
    const at =
      head === undefined ? random.integer(reach(content)) : head + random.integer(headBytes);
    return flipped(content, at, random.integer(8));
  },
  zero(content, random) {
    if (content.length === 0) return null;
    const at = sectorBytes * random.integer(Math.ceil(reach(content) / sectorBytes));
    const zeroed = Buffer.from(content);
    zeroed.subarray(at, at + sectorBytes).fill(0); // A small file has less than a sector.
    const text = `sector at ${at} zeroed`;
    return { content: zeroed, touched: [[at, at + sectorBytes]], text };
  },
  swap(content, random) {
    const sectors = Math.floor(content.length / sectorBytes);
    const used = Math.min(sectors, Math.ceil(reach(content) / sectorBytes));
    if (used < 2) return null;
    const one = sectorBytes * random.integer(used);
    const other = sectorBytes * random.integer(used);
    const swapped = Buffer.from(content);
    content.copy(swapped, one, other, other + sectorBytes);
    content.copy(swapped, other, one, one + sectorBytes);
    const touched = [one, other].map((at) => [at, at + sectorBytes] as const);
    return { content: swapped, touched, text: `sectors at ${one} and ${other} swapped` };
  },
  truncate(content, random) {
    if (content.length === 0) return null;
    return cutAt(content, random.integer(reach(content)));
  },
  remove: () => ({ content: null, touched: [toTheEnd(0)], text: "removed" }),
  older(content, _random, { older }) {
    if (older === null || older.equals(content)) return null;
    let at = 0;
    while (at < older.length && older[at] === content[at]) at += 1;
    return { content: older, touched: [toTheEnd(at)], text: `older version, other from ${at} on` };
  },
};

/** Damages one file of a prepared directory: each kind of file equally often. */
export function someDamage(prepared: Prepared, name: DamageName, random: Random): Damage {
  for (;;) {
    const kinds = kindsIn(prepared.image);
    const kind = kinds[random.integer(kinds.length)] as FileKind;
    const paths = filesOf(prepared.image, kind);
    const damage = damageTo(prepared, paths[random.integer(paths.length)] as string, name, random);
    if (damage !== null) return damage;
  }
}

/** Null when this damage changes nothing in this file. */
export function damageTo(
  { image, earlier, history }: Prepared,
  path: string,
  name: DamageName,
  random: Random,
): Damage | null {
  const content = image.get(path) as Buffer;
  const versions = earlier.flatMap((each) => each.get(path) ?? []);
  const older = versions[random.integer(versions.length)] ?? null;
  const saves = history.saves.filter(({ segment }) => segment === path);
  const heads = [...saves, ...saves.slice(-1)].map((save) => save.start); // The last one twice.
  const hurt = hurts[name](content, random, { older, heads });
  return hurt === null ? null : describe(image, path, name, hurt);
}

/** The file ends at a byte. */
export function truncation({ image }: Prepared, path: string, at: number): Damage {
  return describe(image, path, "truncate", cutAt(image.get(path) as Buffer, at));
}

/** One bit of a file is another one. */
export function flipAt({ image }: Prepared, path: string, at: number, bit: number): Damage {
  return describe(image, path, "flip", flipped(image.get(path) as Buffer, at, bit));
}

function describe(image: Image, path: string, name: DamageName, hurt: HurtContent): Damage {
  return {
    name,
    path,
    kind: kindIn(image, path),
    image: withFile(image, path, hurt.content),
    touched: hurt.touched,
    text: `${path}: ${hurt.text}`,
  };
}

function cutAt(content: Buffer, at: number): HurtContent {
  return { content: content.subarray(0, at), touched: [toTheEnd(at)], text: `truncated at ${at}` };
}
