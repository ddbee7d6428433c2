// What a start may make of a damaged directory, and what it may never.

import { readU53 } from "../../src/bytes.ts";
import type { Damage } from "./damages.ts";
import { newestSegment } from "./file-kinds.ts";
import { fingerprint, sameEntry } from "./fingerprint.ts";
import type { Acknowledged, History } from "./history.ts";
import type { Image } from "./image.ts";
import { self } from "./node-life.ts";
import type { Prepared } from "./prepare.ts";
import type { Refused, Started } from "./start.ts";

/**
 * - "same": everything acknowledged is there, and nothing else.
 * - "refused": the node does not start, and one line says what to do.
 * - "cut": the log's last saves are taken for a write that a kill has torn. Legal only after a kill, when
 *   whole sectors are gone, every save that is gone is a damaged one, and the watermark does not know of them.
 * - "aborted": LevelDB has ended the process, without a word; the next start is refused with one.
 */
export type Outcome = "same" | "refused" | "cut" | "aborted";

export type Verdict =
  | { readonly outcome: Outcome; readonly cutSaves: number }
  | { readonly problem: string };

const wrong = (problem: string): Verdict => ({ problem });

/** Words that tell an operator what to do. */
const advice = /empty directory|new member|bring .* back|start that version/;

export function judge(prepared: Prepared, damage: Damage, found: Started | Refused): Verdict {
  if ("refused" in found) return judgeRefusal(found.refused);
  const stray = strangerIn(prepared.history, found) ?? strayEntry(prepared.history, found);
  if (stray !== null) return wrong(stray);
  const at = prepared.history.saves.findLastIndex((save) => isStateOf(save, found));
  if (at < 0) return wrong(`state of entry ${found.machine.appliedIndex} is of no save`);
  return judgeCut(prepared, damage, at);
}

/** The state is that of the save at this position of the history. */
export function judgeCut(prepared: Prepared, damage: Damage, at: number): Verdict {
  const cutSaves = prepared.history.saves.length - 1 - at;
  if (cutSaves === 0) return { outcome: "same", cutSaves };
  const objection = objectionToCut(prepared, damage, at);
  if (objection !== null) return wrong(`${cutSaves} saves lost: ${objection}`);
  return { outcome: "cut", cutSaves };
}

export function judgeRefusal(line: string): Verdict {
  if (line.includes("\n") || line.length > 500)
    return wrong(`refused in more than a line: ${line}`);
  if (!advice.test(line)) return wrong(`refused without advice: ${line}`);
  return { outcome: "refused", cutSaves: 0 };
}

/** Another node than the one that was there. */
function strangerIn({ clusterId }: History, { identity }: Started): string | null {
  if (identity.clusterId !== clusterId) return `the cluster is ${identity.clusterId}`;
  if (identity.nodeId !== self) return `the node is ${identity.nodeId}`;
  return identity.hasLog ? null : "the node does not know that it has a log";
}

/** Any entry that is not the acknowledged one, also below the checkpoint: a follower may get it. */
function strayEntry({ entries }: History, { log, entries: found }: Started): string | null {
  if (found.length !== log.lastIndex - log.firstIndex + 1) return "the log has a hole";
  const stray = found.find((entry) => !sameEntry(entry, entries.get(entry.index)));
  return stray === undefined ? null : `entry ${stray.index} is not what was acknowledged`;
}

function isStateOf(save: Acknowledged, { log, machine }: Started): boolean {
  return (
    save.lastIndex === log.lastIndex &&
    save.hardState.term === log.hardState.term &&
    save.hardState.votedFor === log.hardState.votedFor &&
    save.fingerprint === fingerprint(machine)
  );
}

/** Null when the saves behind position `at` may be gone. */
function objectionToCut(prepared: Prepared, damage: Damage, at: number): string | null {
  const { ending, image, history } = prepared;
  const kept = history.saves[at] as Acknowledged;
  if (ending === "orderly") return "the end was orderly";
  if (damage.name === "flip") return "no crash leaves one wrong bit";
  if (damage.path !== newestSegment(image)) return "the newest segment was not touched";
  if (kept.sequence < watermarkOf(damage.image)) return "the watermark knows of them";
  const whole = history.saves.slice(at + 1).find((save) => !isTouched(save, damage));
  return whole === undefined ? null : `save ${whole.sequence} was not touched`;
}

export function isTouched({ segment, start, end }: Acknowledged, damage: Damage): boolean {
  if (segment !== damage.path) return false;
  return damage.touched.some(([from, to]) => from < end && to > start);
}

/** Every save up to this one is known to be complete. */
function watermarkOf(image: Image): number {
  const content = image.get("log/watermark");
  return content === undefined ? 0 : readU53(content, 8);
}
