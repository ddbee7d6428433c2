// Counts of trials by kind of file and by outcome, and the trials that went wrong.

import { type DamageName, damageNames } from "./damages.ts";
import { type FileKind, fileKinds } from "./file-kinds.ts";
import type { Described } from "./host.ts";
import type { Verdict } from "./verdict.ts";

const columns = ["trials", "same", "refused", "cut", "aborted", "wrong"] as const;
type Row = Record<(typeof columns)[number], number>;

const emptyRow = (): Row => ({ trials: 0, same: 0, refused: 0, cut: 0, aborted: 0, wrong: 0 });

export class Tally {
  /** What to run again, and what it showed. */
  readonly failures: string[] = [];
  /** The most saves that one damage took with it. */
  cutSavesMax = 0;
  readonly #rows = new Map<string, Row>();

  add(place: string, damage: Described, verdict: Verdict): void {
    const isWrong = "problem" in verdict;
    const outcome = isWrong ? "wrong" : verdict.outcome;
    for (const name of [`file ${damage.kind}`, `damage ${damage.name}`, "all"]) {
      const row = this.#rows.get(name) ?? emptyRow();
      row.trials += 1;
      row[outcome] += 1;
      this.#rows.set(name, row);
    }
    if (isWrong) this.failures.push(`${place}: ${damage.text}: ${verdict.problem}`);
    else this.cutSavesMax = Math.max(this.cutSavesMax, verdict.cutSaves);
  }

  ofKind(kind: FileKind): Row {
    return this.#rows.get(`file ${kind}`) ?? emptyRow();
  }

  ofDamage(name: DamageName): Row {
    return this.#rows.get(`damage ${name}`) ?? emptyRow();
  }

  get all(): Row {
    return this.#rows.get("all") ?? emptyRow();
  }

  /** Lines for a terminal. */
  table(): string {
    const names = [
      ...fileKinds.map((kind) => `file ${kind}`),
      ...damageNames.map((name) => `damage ${name}`),
      "all",
    ].filter((name) => this.#rows.has(name));
    const lines = names.map((name) => {
      const row = this.#rows.get(name) ?? emptyRow();
      return name.padEnd(28) + columns.map((each) => String(row[each]).padStart(9)).join("");
    });
    const head = "".padEnd(28) + columns.map((each) => each.padStart(9)).join("");
    return [head, ...lines].join("\n");
  }
}
