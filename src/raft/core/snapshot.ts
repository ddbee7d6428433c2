// Taking the leader's state in place of entries that its log no longer has (§7, thesis 5.1 to 5.3).

import { acknowledge, hearLeader } from "./append.ts";
import type { RaftState } from "./state.ts";
import type { MessageOf } from "./types.ts";

/** The layers above hold the state already, whole and checked: only its place in the log is judged here. */
export function receiveSnapshot(state: RaftState, message: MessageOf<"installSnapshot">): void {
  if (!hearLeader(state, message)) return;
  const { log } = state;
  const { point } = message;
  if (!isSound(state, message)) {
    state.drop();
  } else if (point.index <= log.commit) {
    acknowledge(state, message.from, log.commit); // Late, or sent twice: it would take us back.
  } else if (log.agrees(point)) {
    // Thesis 5.3: what follows the point is kept, it may be acknowledged already.
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
  // §5.4.3: its log goes on from our commit index, so neither term nor membership can be older.
  const committedTerm = log.term(log.commit) ?? 0;
  return point.term >= committedTerm && membership.index >= log.history.committedIndex(log.commit);
}
