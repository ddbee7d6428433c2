// One trial: damage a copy, start on it, judge; and sometimes go on living with what was found.

import { saveHeadBytes } from "../../src/raft/storage/save.ts";
import { type Random, seeded } from "../support/log-random.ts";
import {
  type Damage,
  type DamageName,
  damageNames,
  flipAt,
  someDamage,
  truncation,
} from "./damages.ts";
import type { Acknowledged } from "./history.ts";
import { withDirectory, writeImage } from "./image.ts";
import type { Ending, Prepared } from "./prepare.ts";
import { goOn } from "./second-life.ts";
import { start } from "./start.ts";
import { judge, judgeRefusal, type Verdict } from "./verdict.ts";

/**
 * Everything is damaged equally often; or mostly single bits; or the log is cut, byte by byte from its
 * end; or each bit of the heads of some saves is flipped, in turn.
 */
export type Mix = "even" | "flips" | "tail" | "heads";

/** One start in so many goes on: it writes, checkpoints, closes, and starts again. */
const goesOnEvery = 8;
/** Of this many trials all but one are flips. */
const flipsOf = 5;

/** What a trial does follows from its seed and number alone, so that it can be run again. */
export interface Chosen {
  readonly damage: Damage;
  readonly random: Random;
}

export const endingOf = (number: number): Ending => (number % 2 === 0 ? "killed" : "orderly");

export function choose(prepared: Prepared, number: number, mix: Mix): Chosen {
  const random = seeded(prepared.seed * 1_000_003 + number);
  return { damage: damageOf(prepared, number, mix, random), random };
}

function damageOf(prepared: Prepared, number: number, mix: Mix, random: Random): Damage {
  if (mix === "tail") return cutOf(prepared, number);
  if (mix === "heads") return headFlipOf(prepared, number);
  return someDamage(prepared, nameOf(number, mix), random);
}

/** The last saves of a history, and the last that changed term or vote: so many heads are worth a look. */
const headSaves = { last: 3, ofHardState: 2 } as const;
const bitsOfHead = 8 * saveHeadBytes;
export const headTrials = 2 * bitsOfHead * (headSaves.last + headSaves.ofHardState);

function headFlipOf(prepared: Prepared, number: number): Damage {
  const { saves } = prepared.history;
  const ofHardState = saves.filter((save, at) => save.hardState !== saves[at - 1]?.hardState);
  const some = [...saves.slice(-headSaves.last), ...ofHardState.slice(-headSaves.ofHardState)];
  const pair = Math.floor(number / 2);
  const { segment, start } = some[Math.floor(pair / bitsOfHead)] as Acknowledged;
  const bit = pair % bitsOfHead;
  return flipAt(prepared, segment, start + (bit >> 3), bit & 7);
}

function cutOf(prepared: Prepared, number: number): Damage {
  const { segment, end } = prepared.history.saves.at(-1) as Acknowledged;
  const at = end + 1 - Math.floor(number / 2);
  if (at < 1) throw new Error(`seed ${prepared.seed}: the newest segment is shorter than the tail`);
  // First the whole file: the trials can tell it from the others.
  return truncation(prepared, segment, at > end ? Number.POSITIVE_INFINITY : at);
}

function nameOf(number: number, mix: "even" | "flips"): DamageName {
  const others = damageNames.filter((name) => name !== "flip");
  // By pairs, because every other trial is of the other ending.
  const pair = Math.floor(number / 2);
  if (mix === "even") return damageNames[pair % damageNames.length] as DamageName;
  if (pair % flipsOf !== 0) return "flip";
  return others[(pair / flipsOf) % others.length] as DamageName;
}

/** Starts on the damaged directory. What is neither a state nor a refusal in words is a bug. */
export function startTrial(prepared: Prepared, { damage, random }: Chosen): Promise<Verdict> {
  return withDirectory(async (path) => {
    writeImage(damage.image, path);
    const found = await start(path);
    const verdict = judge(prepared, damage, found);
    if ("refused" in found) return verdict;
    if ("problem" in verdict || random.integer(goesOnEvery) !== 0) {
      await found.close();
      return verdict;
    }
    const problem = await goOn(path, found, random);
    return problem === null ? verdict : { problem };
  });
}

/** The start before died on this directory: this one has to say why it does not. */
export async function startAgain(path: string): Promise<Verdict> {
  const found = await start(path);
  if ("refused" in found) return judgeRefusal(found.refused);
  await found.close();
  return { problem: "the process was aborted, and the next start finds nothing wrong" };
}
