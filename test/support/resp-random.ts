// Seeded random requests, damage to them, and random cuts of a stream into chunks.

import { bytesOf, wire } from "./resp-decoding.ts";

/** Numbers in [0, below), the same for the same seed (mulberry32). */
export type Dice = (below: number) => number;

export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const pick = <T>(dice: Dice, items: readonly [T, ...T[]]): T =>
  items[dice(items.length)] ?? items[0];

function randomWord(dice: Dice): string {
  const length = pick(dice, [0, 1, 3, 8, 15, 16, 17, 20, 40, 500]);
  const chars = dice(2) === 0 ? [..."abcXYZ019"] : [..."\r\n\0 *$'\"\\\xff\x16"];
  return Array.from({ length }, () => chars[dice(chars.length)]).join("");
}

const commandNames = ["SET", "get", "MGET", "PosT", "host:"] as const;

/** An array of one to nine words. */
export function randomArray(dice: Dice): string[] {
  const words = Array.from({ length: 1 + dice(9) }, () => randomWord(dice));
  if (dice(3) !== 0) words[0] = commandNames[dice(dice(20) === 0 ? 5 : 3)] ?? "GET";
  return words;
}

const inlines = [
  "PING\r\n",
  "SET a 'b c'\n",
  'ECHO "\\x41\\n\\"" x\r\n',
  "\r\n",
  "*0\r\n",
  "*-1\r\n",
  " \t x\r\r\n",
] as const;

/** Requests of every kind, one after the other, as they lie on the wire. */
export function randomPipeline(dice: Dice): string {
  const parts = Array.from({ length: 1 + dice(6) }, () =>
    dice(4) === 0 ? (inlines[dice(inlines.length)] ?? "") : wire(...randomArray(dice)),
  );
  return parts.join("");
}

const splinters = [
  ...["\r\n", "\r", "\n", "*", "$", "-", "0", "9", "\0", " ", '"', "*1\r\n", "$-1\r\n"],
  ...["11\r\n", "1\r\n$16385\r\n", "1".repeat(30), `1\r\n$${"1".repeat(30)}`, `1\r\n"`],
];

/** The same bytes with a few bytes changed, cut out, put in or doubled. */
export function mutate(text: string, dice: Dice): string {
  let mutated = text;
  for (let times = dice(4); times > 0; times--) {
    const anywhere = dice(mutated.length + 1);
    const at = dice(2) === 0 ? anywhere : mutated.indexOf("*", anywhere) + 1;
    const cut = pick(dice, [0, 0, 1, 2, 5]);
    const splinter = splinters[dice(2 * splinters.length)] ?? String.fromCharCode(dice(256));
    mutated = mutated.slice(0, at) + splinter + mutated.slice(at + cut);
  }
  return mutated;
}

/** Chunks of a size that differs from stream to stream, empty ones included. */
export function cutUp(text: string, dice: Dice): Buffer[] {
  const most = pick(dice, [1, 3, 20, 200, 3000]);
  const chunks: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const size = dice(most + 1);
    chunks.push(bytesOf(text.slice(at, at + size)));
    at += size;
  }
  return chunks;
}
