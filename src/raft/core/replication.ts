// The sending side of replication: appends within each follower's window, heartbeats (§5.3).

import { assert } from "../../assert.ts";
import type { Leadership } from "./leadership.ts";
import { entryBytes } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { RaftState } from "./state.ts";
import { asIndex, type Entry, type NodeId } from "./types.ts";

/** Sends everything that is due: new entries, probes, and a new commit index at once. */
export function sendAppends(state: RaftState, leadership: Leadership): void {
  for (const [id, follower] of leadership.followers) sendAppendsTo(state, id, follower);
}

function sendAppendsTo(state: RaftState, to: NodeId, follower: Progress): void {
  const { log } = state;
  for (;;) {
    const carry = follower.next <= log.last.index && follower.mayCarryEntries;
    if (!carry && !follower.mustTell(log.commit)) return;
    const prevIndex = asIndex(follower.next - 1);
    const prevTerm = log.term(prevIndex);
    if (prevTerm === null || (carry && !log.has(follower.next))) {
      follower.awaitSnapshot();
      state.outbox.needSnapshot(to);
      return;
    }
    const entries = carry ? log.slice(follower.next, state.options.appendBytesMax) : [];
    assert(carry === entries.length > 0, "a slice of the log has at least one entry");
    state.outbox.send({
      type: "appendEntries",
      from: state.id,
      to,
      term: state.term,
      prev: { term: prevTerm, index: prevIndex },
      entries,
      commit: log.commit,
    });
    follower.sent(entries.length, totalBytes(entries), log.commit);
  }
}

function totalBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/** A heartbeat never claims more than the follower acknowledged: its tail may still be another's. */
export function sendHeartbeats(state: RaftState, leadership: Leadership): void {
  leadership.heartbeatDue = false;
  leadership.heartbeatElapsed = 0;
  for (const [id, follower] of leadership.followers) {
    state.outbox.send({
      type: "heartbeat",
      from: state.id,
      to: id,
      term: state.term,
      commit: asIndex(Math.min(follower.match, state.log.commit)),
      round: state.reads.begun,
    });
  }
}
