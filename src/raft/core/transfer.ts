// Handing leadership over to a member that has the whole log (thesis 3.10).

import type { Leadership } from "./leadership.ts";
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
