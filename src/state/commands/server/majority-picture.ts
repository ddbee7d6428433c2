// The picture of LOLWUT: a noisy field in which every cell follows the majority around it.

import { SeededRandom } from "../../random.ts";

export interface Picture {
  readonly seed: number;
  readonly columns: number;
  readonly rows: number;
}

const rounds = 4;

/** Lines of "#" and "." with a line feed after each; the same sizes and seed give the same picture. */
export function drawMajority({ seed, columns, rows }: Picture): string {
  const random = new SeededRandom();
  random.seed(seed, columns * 1000 + rows);
  let field = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => random.next() < 0.5),
  );
  for (let round = 0; round < rounds; round += 1) {
    field = field.map((row, y) => row.map((_, x) => votesAround(field, x, y) >= 5));
  }
  return field.map((row) => `${row.map((on) => (on ? "#" : ".")).join("")}\n`).join("");
}

/** Of nine votes, the cell's own among them; beyond an edge the opposite edge follows. */
function votesAround(field: readonly (readonly boolean[])[], x: number, y: number): number {
  let votes = 0;
  for (let down = -1; down <= 1; down += 1) {
    const row = field[(y + down + field.length) % field.length] ?? [];
    for (let right = -1; right <= 1; right += 1) {
      if (row[(x + right + row.length) % row.length]) votes += 1;
    }
  }
  return votes;
}
