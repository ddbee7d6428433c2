// How far a learner has come, asked of the leader again and again until it votes.

import { setTimeout as delay } from "node:timers/promises";
import { askLeader, type ClusterTarget, type Fields, RefusedError } from "./status-reply.ts";

/** What is known of a new member at one moment. */
export type CatchUp =
  /** Admitted, but the leader has not heard of it: it is not started, or cannot be reached. */
  | { readonly node: number; readonly state: "silent" }
  | {
      readonly node: number;
      readonly state: "learner";
      readonly entries: number;
      /** Entries of the leader's log. */
      readonly of: number;
      /** 0 to 100, rounded down. */
      readonly percent: number;
    }
  /** It gets the state as a whole first. */
  | { readonly node: number; readonly state: "snapshot"; readonly percent: number }
  | { readonly node: number; readonly state: "voter" }
  | { readonly node: number; readonly state: "removed" };

export interface CatchUpWatch {
  readonly target: ClusterTarget;
  readonly node: number;
  /** Called after every pause; not again for a "silent" that was told. */
  readonly report: (now: CatchUp) => void;
  readonly pauseMs: number;
  /** Ends the watch without an outcome. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when the node votes or is no member any more, or when the watch is aborted (null). While
 * nobody answers it waits: a change of leader passes.
 */
export async function watchCatchUp(watch: CatchUpWatch): Promise<"voter" | "removed" | null> {
  let last: CatchUp["state"] | null = null;
  while (watch.signal?.aborted !== true) {
    const now = await look(watch);
    if (now !== null) {
      if (now.state !== "silent" || last !== "silent") watch.report(now);
      if (now.state === "voter" || now.state === "removed") return now.state;
      last = now.state;
    }
    // Unreferenced: a node that closes does not wait for it.
    await delay(watch.pauseMs, undefined, { ref: watch.signal === undefined });
  }
  return null;
}

/** Null when nobody who knows has answered. */
async function look({ target, node }: CatchUpWatch): Promise<CatchUp | null> {
  try {
    const { members } = await askLeader(target);
    return catchUpOf(
      node,
      members.find((member) => member.get("id") === node),
    );
  } catch (error) {
    if (error instanceof RefusedError) return null;
    throw error;
  }
}

/** `member`: its row of the leader's status; undefined when there is none. Null when it says nothing. */
export function catchUpOf(node: number, member: Fields | undefined): CatchUp | null {
  if (member === undefined) return { node, state: "removed" };
  if (member.get("role") !== "learner") return { node, state: "voter" };
  const snapshot = member.get("snapshot-percent");
  if (typeof snapshot === "number") return { node, state: "snapshot", percent: snapshot };
  const [entries, lag] = [member.get("match-index"), member.get("lag")];
  if (typeof entries !== "number" || typeof lag !== "number") return null;
  if (entries === 0) return { node, state: "silent" };
  const of = entries + lag;
  return { node, state: "learner", entries, of, percent: Math.floor((100 * entries) / of) };
}

/** One line without its end. */
export function describeCatchUp(now: CatchUp): string {
  switch (now.state) {
    case "silent":
      return `node ${now.node} has not been heard of yet`;
    case "learner": {
      const [entries, of] = [now.entries, now.of].map((count) => count.toLocaleString("en-US"));
      return `node ${now.node} has ${entries} of ${of} entries (${now.percent} %)`;
    }
    case "snapshot":
      return `node ${now.node} is being sent a snapshot (${now.percent} %)`;
    case "voter":
      return `node ${now.node} has caught up and votes`;
    case "removed":
      return `node ${now.node} is no member any more`;
  }
}
