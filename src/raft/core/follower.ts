// What a follower takes from its leader: heartbeats, entries, a snapshot's place (§5.3, §7).

import type { RaftState } from "./state.ts";
import { asIndex, type Entry, type LogIndex, type MessageOf, type NodeId } from "./types.ts";

export function receiveHeartbeat(state: RaftState, message: MessageOf<"heartbeat">): void {
  if (!hearLeader(state, message)) return;
  const { log } = state;
  // The leader tells at most what this node acknowledged: more means that the disk lost something.
  if (message.commit > log.last.index) {
    state.lostUpTo = message.commit;
    return;
  }
  log.commitTo(message.commit);
  state.outbox.send({
    type: "heartbeatReply",
    from: state.id,
    to: message.from,
    term: state.term,
    round: message.round,
    patient: state.promisePatience(),
  });
}

export function receiveAppend(state: RaftState, message: MessageOf<"appendEntries">): void {
  if (!hearLeader(state, message)) return;
  const { log } = state;
  const { prev, entries } = message;
  if (prev.index < log.commit) {
    appendAfterCommit(state, message);
  } else if (log.agrees(prev)) {
    appendAfter(state, message, entries);
  } else if (prev.index === log.commit) {
    state.drop();
  } else {
    refuse(state, message);
  }
}

/** §5.2: a term has one leader. A second one is a fault of its sender, and its messages are dropped. */
function hearLeader(
  state: RaftState,
  message: MessageOf<"heartbeat" | "appendEntries" | "installSnapshot">,
): boolean {
  if (state.leader !== null && state.leader !== message.from) {
    state.drop();
    return false;
  }
  if (state.role !== "follower") state.becomeFollower(state.term, message.from);
  state.leader = message.from;
  state.timer.heard();
  return true;
}

/** What is committed here is in every leader's log (§5.4.3), so only entries beyond the commit index are compared. */
function appendAfterCommit(state: RaftState, message: MessageOf<"appendEntries">): void {
  const { log } = state;
  const { prev, entries } = message;
  const known = log.commit - prev.index;
  const atCommit = entries[known - 1];
  if (atCommit === undefined) {
    if (wantsAnswer(message)) acknowledge(state, message.from, log.commit);
  } else if (log.agrees(atCommit)) {
    appendAfter(state, message, entries.slice(known));
  } else {
    state.drop();
  }
}

function appendAfter(
  state: RaftState,
  message: MessageOf<"appendEntries">,
  entries: readonly Entry[],
): void {
  const { log } = state;
  // §5.3: only a conflict deletes; a late, shorter message must not shorten the log.
  const known = (entries[0]?.index ?? 0) > log.last.index ? 0 : log.countKnown(entries);
  log.append(known === 0 ? entries : entries.slice(known));
  const agreed = asIndex(message.prev.index + message.entries.length);
  if (message.commit > log.commit) log.commitTo(asIndex(Math.min(message.commit, agreed)));
  if (wantsAnswer(message)) acknowledge(state, message.from, agreed);
}

/** An append that only tells a commit index is not acknowledged: if it is lost, the next append tells it again. */
function wantsAnswer({ entries, probe }: MessageOf<"appendEntries">): boolean {
  return entries.length > 0 || probe;
}

/** Tells the leader that the logs agree up to `index`, as soon as all of it is on disk. */
export function acknowledge(state: RaftState, leader: NodeId, index: LogIndex): void {
  state.outbox.acknowledge({
    type: "appendReply",
    from: state.id,
    to: leader,
    term: state.term,
    index,
    hint: null,
  });
}

function refuse(state: RaftState, message: MessageOf<"appendEntries">): void {
  const { log } = state;
  const index = log.skipTermsAbove(message.prev.index, message.prev.term);
  const term = log.term(index);
  if (term === null) {
    state.drop();
    return;
  }
  state.outbox.send({
    type: "appendReply",
    from: state.id,
    to: message.from,
    term: state.term,
    index: message.prev.index,
    hint: { term, index },
  });
}

/** The node has received and checked the state already; only its place in the log is judged here. */
export function receiveSnapshot(state: RaftState, message: MessageOf<"installSnapshot">): void {
  if (!hearLeader(state, message)) return;
  const { log } = state;
  const { point } = message;
  if (!isSound(state, message)) {
    state.drop();
  } else if (point.index <= log.commit) {
    acknowledge(state, message.from, log.commit); // Late, or sent twice: it would take us back.
  } else if (log.agrees(point)) {
    // Thesis 5.3: entries behind the point are kept, because they may be acknowledged already.
    log.commitTo(point.index);
    acknowledge(state, message.from, point.index);
  } else {
    log.restartAt(point);
    acknowledge(state, message.from, point.index);
  }
}

/** No honest leader's snapshot ends in a newer term than its own, nor contradicts what is committed here. */
function isSound(state: RaftState, { term, point }: MessageOf<"installSnapshot">): boolean {
  const { log } = state;
  const { membership } = point;
  if (point.term < 1 || point.term > term) return false;
  if (membership.index < 1 || membership.index > point.index) return false;
  if (point.index <= log.commit) return !log.contradicts(point);
  // §5.4.3: the leader's log holds everything up to our commit index, so neither term nor membership can be older.
  const committedTerm = log.term(log.commit) ?? 0;
  return point.term >= committedTerm && membership.index >= log.history.committedIndex(log.commit);
}
