// The sending side of replication: appends within each follower's window, heartbeats (§5.3).

import { probeBytesMax } from "../../constants.ts";
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
    const entries = carry ? entriesFor(state, follower) : [];
    state.outbox.send({
      type: "appendEntries",
      from: state.id,
      to,
      term: state.term,
      prev: { term: prevTerm, index: prevIndex },
      entries,
      commit: log.commit,
      probe: entries.length === 0 && follower.asks,
    });
    follower.sent(entries.length, totalBytes(entries), log.commit);
  }
}

/** A probe may be refused, so it carries entries only when they are small and need no reading. */
function entriesFor({ log, options }: RaftState, { next, state }: Progress): readonly Entry[] {
  if (state !== "probe") return log.slice(next, options.appendBytesMax);
  const bytesMax = Math.min(options.appendBytesMax, options.probeBytesMax ?? probeBytesMax);
  const entries = log.isAtHand(next) ? log.slice(next, bytesMax) : [];
  return totalBytes(entries) <= bytesMax ? entries : [];
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
