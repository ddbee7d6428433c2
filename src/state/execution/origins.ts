// Which writes of which node are applied: what makes a write that is sent again apply once.

import { assert } from "../../assert.ts";

/** A node's present life, and the highest number of its writes that is applied. */
export interface Origin {
  readonly node: number;
  readonly incarnation: number;
  readonly highest: number;
}

interface Life {
  incarnation: number;
  highest: number;
}

/**
 * One row per node that ever sent a write. A node numbers its writes from 1 in each incarnation,
 * without gaps, and sends them again, in order, until it sees them applied.
 */
export class Origins {
  readonly #lives = new Map<number, Life>();

  /**
   * The first number of [first, first + count) that must be applied; all before it, or with the
   * result first + count all of them, were applied before or belong to an earlier life.
   */
  take(node: number, incarnation: number, first: number, count: number): number {
    const end = first + count;
    let life = this.#lives.get(node);
    if (life !== undefined && incarnation < life.incarnation) return end;
    if (life === undefined || incarnation > life.incarnation) {
      life = { incarnation, highest: 0 };
      this.#lives.set(node, life);
    }
    assert(
      first >= 1 && first <= life.highest + 1,
      `write ${first} of node ${node} (incarnation ${incarnation}) follows write ${life.highest}`,
    );
    const next = Math.min(end, life.highest + 1);
    life.highest = Math.max(life.highest, end - 1);
    return next;
  }

  /** The highest applied number of one life of a node; 0 when none is, or when another life followed. */
  highest(node: number, incarnation: number): number {
    const life = this.#lives.get(node);
    return life?.incarnation === incarnation ? life.highest : 0;
  }

  /** Ascending by node, so that equal tables look equal. */
  list(): Origin[] {
    return [...this.#lives]
      .map(([node, life]) => ({ node, ...life }))
      .sort((a, b) => a.node - b.node);
  }

  restore(origins: readonly Origin[]): void {
    this.#lives.clear();
    for (const { node, incarnation, highest } of origins) {
      this.#lives.set(node, { incarnation, highest });
    }
  }
}
