// The sending side of replication: appends within each follower's window, heartbeats (§5.3).

import { probeBytesMax } from "../../constants.ts";
import type { Leadership, Progress } from "./leadership.ts";
import { entryBytes } from "./log.ts";
import type { RaftState } from "./state.ts";
import { asIndex, type Entry, type NodeId } from "./types.ts";

/** Sends everything that is due: new entries, probes, and a new commit index at once. */
export function sendAppends(state: RaftState, leadership: Leadership): void {
  for (const [id, follower] of leadership.followers) {
    while (isDue(state, follower) && !mustRead(state, follower))
      sendAppend(state, { to: id, follower, bytesMax: state.options.appendBytesMax });
  }
  catchUp(state, leadership);
}

/**
 * Sends one message at a time, in turn, to the followers whose entries have to be read from disk, until the budget is
 * spent.
 */
function catchUp(state: RaftState, { followers, catchUp: budget }: Leadership): void {
  const behind = () => nextBehind(state, followers, budget.served);
  let next = behind();
  // Each message takes its bytes out of the budget, or ends the reading for its follower.
  for (; next !== null && budget.left > 0; next = behind()) {
    const bytesMax = Math.min(state.options.appendBytesMax, budget.left);
    budget.left -= sendAppend(state, { ...next, bytesMax });
    budget.served = next.to;
  }
  budget.isShort = next !== null;
}

/** The follower after the one that was served last, in a circle by id. */
function nextBehind(
  state: RaftState,
  followers: ReadonlyMap<NodeId, Progress>,
  served: NodeId | null,
): Omit<Destination, "bytesMax"> | null {
  const behind = [...followers].filter(([, follower]) => mustRead(state, follower));
  const [to, follower] = behind.find(([id]) => id > (served ?? 0)) ?? behind[0] ?? [];
  return to === undefined || follower === undefined ? null : { to, follower };
}

function mayCarry({ log }: RaftState, follower: Progress): boolean {
  return follower.next <= log.last.index && follower.mayCarryEntries;
}

function isDue(state: RaftState, follower: Progress): boolean {
  return mayCarry(state, follower) || follower.mustTell(state.log.commit);
}

/** Whether its next message carries entries that are not in memory. A probe carries none of those. */
function mustRead(state: RaftState, follower: Progress): boolean {
  const { log } = state;
  if (follower.state !== "replicate" || !mayCarry(state, follower)) return false;
  return log.has(follower.next) && !log.isAtHand(follower.next);
}

interface Destination {
  readonly to: NodeId;
  readonly follower: Progress;
  readonly bytesMax: number;
}

/** Sends one append, and returns the bytes of the entries that it carries. */
function sendAppend(state: RaftState, { to, follower, bytesMax }: Destination): number {
  const { log } = state;
  const carry = mayCarry(state, follower);
  const prevIndex = asIndex(follower.next - 1);
  const prevTerm = log.term(prevIndex);
  if (prevTerm === null || (carry && !log.has(follower.next))) {
    follower.awaitSnapshot();
    state.outbox.needSnapshot(to);
    return 0;
  }
  const entries = carry ? entriesFor(state, follower, bytesMax) : [];
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
  const bytes = totalBytes(entries);
  follower.sent(entries.length, bytes, log.commit);
  return bytes;
}

/** A probe may be refused, so it carries entries only when they are small and need no reading. */
function entriesFor(
  { log, options }: RaftState,
  { next, state }: Progress,
  appendBytesMax: number,
): readonly Entry[] {
  if (state !== "probe") return log.slice(next, appendBytesMax);
  const bytesMax = Math.min(appendBytesMax, options.probeBytesMax ?? probeBytesMax);
  const entries = log.isAtHand(next) ? log.slice(next, bytesMax) : [];
  return totalBytes(entries) <= bytesMax ? entries : [];
}

function totalBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/**
 * A heartbeat never tells a commit index beyond what the follower acknowledged: its later entries may be those of
 * another leader.
 */
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
