// Messages to hand to a core, with what the test does not care about filled in.

import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type EntryId,
  type Membership,
  type MessageOf,
} from "../../src/raft/core/types.ts";

interface Route {
  readonly from: number;
  readonly to?: number;
  readonly term: number;
}

const envelope = ({ from, to, term }: Route) => ({
  from: asNode(from),
  to: asNode(to ?? 1),
  term: asTerm(term),
});

/** "term/index". */
export function idOf(text: string): EntryId {
  const [term, index] = text.split("/").map(Number);
  return { term: asTerm(term ?? 0), index: asIndex(index ?? 0) };
}

export function appendEntries(
  route: Route & {
    prev: string;
    entries?: readonly Entry[];
    commit?: number;
    probe?: boolean;
  },
): MessageOf<"appendEntries"> {
  const { prev, entries, commit, probe } = route;
  return {
    type: "appendEntries",
    ...envelope(route),
    prev: idOf(prev),
    entries: entries ?? [],
    commit: asIndex(commit ?? 0),
    probe: probe ?? false,
  };
}

export function accepted(route: Route & { index: number }): MessageOf<"appendReply"> {
  return { type: "appendReply", ...envelope(route), index: asIndex(route.index), hint: null };
}

export function refused(route: Route & { index: number; hint: string }): MessageOf<"appendReply"> {
  return {
    type: "appendReply",
    ...envelope(route),
    index: asIndex(route.index),
    hint: idOf(route.hint),
  };
}

export function requestVote(
  route: Route & { last: string; pre?: boolean; transfer?: boolean },
): MessageOf<"requestVote"> {
  return {
    type: "requestVote",
    ...envelope(route),
    last: idOf(route.last),
    pre: route.pre ?? false,
    transfer: route.transfer ?? false,
  };
}

export function voteReply(
  route: Route & { granted: boolean; pre?: boolean },
): MessageOf<"voteReply"> {
  return {
    type: "voteReply",
    ...envelope(route),
    granted: route.granted,
    pre: route.pre ?? false,
  };
}

export function heartbeat(
  route: Route & { commit?: number; round?: number },
): MessageOf<"heartbeat"> {
  return {
    type: "heartbeat",
    ...envelope(route),
    commit: asIndex(route.commit ?? 0),
    round: route.round ?? 0,
  };
}

export function heartbeatReply(
  route: Route & { round?: number; patient?: boolean },
): MessageOf<"heartbeatReply"> {
  return {
    type: "heartbeatReply",
    ...envelope(route),
    round: route.round ?? 0,
    patient: route.patient ?? false,
  };
}

export function installSnapshot(
  route: Route & { point: string; membership: Membership; membershipIndex?: number },
): MessageOf<"installSnapshot"> {
  const { point, membership, membershipIndex } = route;
  return {
    type: "installSnapshot",
    ...envelope(route),
    point: { ...idOf(point), membership: { index: asIndex(membershipIndex ?? 1), membership } },
  };
}

export function timeoutNow(route: Route): MessageOf<"timeoutNow"> {
  return { type: "timeoutNow", ...envelope(route) };
}
