// Seeded rounds of generated commands against two servers; a difference comes back shrunk.

import type { Words } from "../support/raw-client.ts";
import { generateCommand } from "./commands.ts";
import { compare, type Mismatch, type Protocol, type Sides } from "./compare.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";

/** Commands between two FLUSHALLs: long enough for state to build up, short enough to replay often. */
const roundLength = 500;

export interface FuzzOptions {
  readonly seed: number;
  readonly commands: number;
  /** Where commands come from; the generator of all families when not given. */
  readonly generate?: (random: Random) => Words;
  readonly onRound?: (done: number) => void;
}

export interface Difference extends Mismatch {
  readonly seed: number;
  readonly round: number;
  readonly protocol: Protocol;
  readonly commands: readonly Words[];
}

/** Rounds alternate between RESP2 and RESP3. Null when there was no difference. */
export async function fuzz(sides: Sides, options: FuzzOptions): Promise<Difference | null> {
  const { seed, generate = generateCommand } = options;
  for (let done = 0, round = 0; done < options.commands; done += roundLength, round++) {
    const random = new Random(seed + round * 7_919);
    const protocol: Protocol = round % 2 === 0 ? 2 : 3;
    const length = Math.min(roundLength, options.commands - done);
    const commands = Array.from({ length }, () => generate(random));
    const mismatch = await compare(sides, protocol, commands);
    if (mismatch !== null) {
      const head = commands.slice(0, mismatch.at + 1);
      return { ...(await shrunk(sides, protocol, head)), seed, round, protocol };
    }
    options.onRound?.(done + length);
  }
  return null;
}

async function shrunk(
  sides: Sides,
  protocol: Protocol,
  head: readonly Words[],
): Promise<Mismatch & { commands: readonly Words[] }> {
  const name = head.at(-1)?.[0]?.toLowerCase();
  // The same command must differ: a sequence must not slip from one difference into another.
  const fails = async (candidate: readonly Words[]): Promise<boolean> => {
    const mismatch = await compare(sides, protocol, candidate);
    return mismatch !== null && candidate[mismatch.at]?.[0]?.toLowerCase() === name;
  };
  if (!(await fails(head))) {
    const gone = "(not seen again when replayed from FLUSHALL)";
    return { at: head.length - 1, oracle: gone, target: gone, commands: head };
  }
  const commands = await shrink(head, fails);
  const mismatch = await compare(sides, protocol, commands);
  if (mismatch === null) throw new Error("a shrunk sequence shows no difference");
  return { ...mismatch, commands };
}

/** For people: the sequence as one would type it into redis-cli, and the two replies. */
export function describeDifference(difference: Difference, sides: Sides): string {
  const { seed, round, protocol, commands, oracle, target } = difference;
  return [
    `difference with seed ${seed}, round ${round}, RESP${protocol}, after FLUSHALL:`,
    ...commands.map((words) => `  ${words.map(quoted).join(" ")}`),
    `${sides.oracle.name}: ${shown(oracle)}`,
    `${sides.target.name}: ${shown(target)}`,
  ].join("\n");
}

function quoted(word: string): string {
  const text = shown(word);
  return /^[\w.:{}*-]+$/.test(word) ? word : text;
}

function shown(text: string): string {
  const escaped = Array.from(text.slice(0, 300), (character) => {
    const code = character.charCodeAt(0);
    if (character === "\r") return "\\r";
    if (character === "\n") return "\\n";
    if (code >= 0x20 && code < 0x7f && character !== '"') return character;
    return `\\x${code.toString(16).padStart(2, "0")}`;
  }).join("");
  return text.length > 300 ? `"${escaped}"... (${text.length} bytes)` : `"${escaped}"`;
}
