// Handing leadership over to a member that has the whole log (thesis 3.10).

import type { Leadership } from "./leadership.ts";
import { majority } from "./quorum.ts";
import type { RaftState } from "./state.ts";
import type { NodeId } from "./types.ts";

/** Null when it has begun, else why not. */
export function startTransfer(state: RaftState, to: NodeId): string | null {
  const { leadership } = state;
  if (leadership === null) return "this node does not lead";
  if (to === state.id) return "this node leads already";
  if (!state.log.history.isVoter(to)) return "no such voter";
  if (leadership.transfer !== null) return "another transfer is under way";
  leadership.transfer = { to, elapsedTicks: 0, told: false };
  continueTransfer(state, leadership);
  return null;
}

/** Tells the heir to campaign as soon as it has every entry: earlier it could not win. */
export function continueTransfer(state: RaftState, leadership: Leadership): void {
  const { transfer, followers } = leadership;
  if (transfer === null || transfer.told) return;
  if (followers.get(transfer.to)?.match !== state.log.last.index) return;
  transfer.told = true;
  tellToCampaign(state, transfer.to);
}

/** Given up after an election timeout: the leader must not refuse proposals for ever. */
export function tickTransfer(state: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null) return;
  transfer.elapsedTicks += 1;
  if (transfer.elapsedTicks >= state.options.electionTicks) leadership.transfer = null;
}

/**
 * Nothing that is committed is applied here any more, and clients of this node wait. The heir needs a majority without
 * this node, whose vote would hang as well; without one, nobody could do better. Somebody in such a majority has all
 * that is committed, and gets the rest while the transfer waits for it.
 */
export function leaveHungDisk(state: RaftState, leadership: Leadership): void {
  leadership.handOverPause -= 1;
  if (leadership.transfer !== null || leadership.handOverPause > 0) return;
  const { voters } = state.log.history;
  const living = voters.filter((id) => leadership.followers.get(id)?.active === true);
  if (living.length < majority(voters.length)) return;
  const matchOf = (id: NodeId): number => leadership.followers.get(id)?.match ?? 0;
  const heir = living.toSorted((a, b) => matchOf(b) - matchOf(a))[0];
  if (heir === undefined) return;
  leadership.handOverPause = 2 * state.options.electionTicks;
  startTransfer(state, heir);
}

/** A leader that was removed hands over to the first voter that has everything, and is gone. */
export function handOver(state: RaftState, leadership: Leadership): void {
  const { last, history } = state.log;
  const heir = history.voters.find((id) => leadership.followers.get(id)?.match === last.index);
  if (heir !== undefined) tellToCampaign(state, heir);
}

function tellToCampaign(state: RaftState, to: NodeId): void {
  if (state.leadership !== null) state.leadership.hasHandedOver = true;
  state.outbox.send({ type: "timeoutNow", from: state.id, to, term: state.term });
}
