// What a fault is: something that starts, holds for a while, and is healed.

import type { Random } from "../../differential/random.ts";
import type { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import type { Ability } from "../machine/abilities.ts";

/** Where a fault happens, and its chance. */
export interface Scene {
  readonly cluster: ChaosCluster;
  readonly random: Random;
}

export interface Trouble {
  /**
   * Nodes that fail, or are cut off. The clients of all others may have to wait and must never see
   * an error.
   */
  readonly victims: readonly ChaosNode[];
  heal(): Promise<void>;
}

export type Family =
  | "kill"
  | "crash"
  | "pause"
  | "partition"
  | "link"
  | "disk"
  | "power"
  | "clock"
  | "member"
  | "cpu";

export interface Fault {
  /** Unique; what the command line selects by, like the family. */
  readonly name: string;
  readonly family: Family;
  /** One line for --list. */
  readonly summary: string;
  readonly needs: readonly Ability[];
  /** Nodes without which the fault would be another one; 3 when not given. */
  readonly nodesMin?: number;
  /** Milliseconds between start and heal, drawn evenly; `usualHoldMs` when not given. */
  readonly holdMs?: readonly [low: number, high: number];
  start(scene: Scene): Promise<Trouble>;
}

/** Longer than an election, shorter than what a client waits for a leader without an error. */
export const usualHoldMs: readonly [low: number, high: number] = [1_500, 3_500];
