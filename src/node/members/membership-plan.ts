// What a request to change the members comes to: a change to propose, an answer, or a wait. Pure.

import { membersMax } from "../../constants.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import type { MembershipChange } from "../../raft/core/core.ts";
import { asNode, type Member, type Membership, type NodeId } from "../../raft/core/types.ts";
import { type ErrorReply, ok, type Reply } from "../../resp/reply.ts";
import { adminErrors } from "./admin-errors.ts";
import { decodeAddress, encodeAddress, type MemberHome } from "./member-address.ts";

/** A request as it travels from a follower to the leader. */
export type AdminRequest =
  | ({ readonly verb: "add" } & MemberHome)
  | { readonly verb: "remove"; readonly id: number }
  | { readonly verb: "transfer"; readonly id: number | null };

/** The cluster as its leader sees it. */
export interface ClusterView {
  readonly clusterId: string;
  /** The leader. */
  readonly self: NodeId;
  readonly membership: Membership;
  /** Has answered within the last election timeouts. */
  isAlive(id: NodeId): boolean;
  /** The last entry that the member is known to have; 0 when it was never heard of. */
  match(id: NodeId): number;
}

export type Plan =
  | { readonly step: "answer"; readonly reply: Reply }
  /** The obstacle may go away: the request is refused if it has not within the leader's patience. */
  | { readonly step: "wait"; readonly refusal: ErrorReply }
  | { readonly step: "change"; readonly change: MembershipChange; readonly reply: () => Reply }
  | { readonly step: "transfer"; readonly to: NodeId };

const answer = (reply: Reply): Plan => ({ step: "answer", reply });
const wait = (refusal: ErrorReply): Plan => ({ step: "wait", refusal });

/** Asked again, a request that was carried out gets the same answer. */
export function planFor(request: AdminRequest, view: ClusterView): Plan {
  switch (request.verb) {
    case "add":
      return planAdd(request, view);
    case "remove":
      return planRemove(asNode(request.id), view);
    case "transfer":
      return planTransfer(request.id === null ? null : asNode(request.id), view);
  }
}

function planAdd({ peer, client, directory }: MemberHome, view: ClusterView): Plan {
  const { members, nextId } = view.membership;
  if (parseEndpoint(peer) === null || parseEndpoint(client) === null) {
    return answer(adminErrors.unusableAddress);
  }
  const known = members.find(({ address }) => decodeAddress(address).peer === peer);
  if (known !== undefined) return planAgain(known, directory, view);
  const other = members.find(({ address }) => decodeAddress(address).client === client);
  if (other !== undefined) return answer(adminErrors.clientAddressTaken(client, other.id));
  if (members.length >= membersMax) return answer(adminErrors.tooManyMembers);
  return {
    step: "change",
    change: { type: "addLearner", address: encodeAddress({ peer, client, directory }) },
    reply: () => invitation(nextId, view),
  };
}

/**
 * The member was admitted but never heard of: its first start was cut short, so it may start again, from the same
 * directory. It has to be the same one, because this leader may not know that the member did run, and on a second
 * disk its writes would get numbers that were used before.
 */
function planAgain(known: Member, directory: string | undefined, view: ClusterView): Plan {
  const { id } = known;
  const home = decodeAddress(known.address);
  const isOther = home.directory !== undefined && home.directory !== directory;
  if (isOther || !mayStartAnew(known, view)) {
    return answer(adminErrors.peerAddressTaken(home.peer, id));
  }
  if (home.directory === directory) return answer(invitation(id, view));
  const member = { ...known, address: encodeAddress({ ...home, directory }) };
  return {
    step: "change",
    change: { type: "setAddress", member },
    reply: () => invitation(id, view),
  };
}

/** A voter may have voted and a live node has a log: neither may come back with an empty one. */
function mayStartAnew({ id, voter }: Member, view: ClusterView): boolean {
  return !voter && !view.isAlive(id) && view.match(id) === 0;
}

/** What a new node needs to start: cluster id, its id, and each member's id, addresses, vote. */
function invitation(id: NodeId, { clusterId, membership }: ClusterView): Reply {
  const members = membership.members.map((member) => {
    const { peer, client } = decodeAddress(member.address);
    return [member.id as number, peer, client, member.voter ? 1 : 0];
  });
  return [clusterId, id as number, ...members];
}

function planRemove(id: NodeId, view: ClusterView): Plan {
  const { members, nextId } = view.membership;
  const leaving = members.find((member) => member.id === id);
  if (leaving === undefined) return answer(id < nextId ? ok : adminErrors.noMember(id));
  if (leaving.voter) {
    const staying = members.filter((member) => member.voter && member !== leaving);
    if (staying.length === 0) return answer(adminErrors.lastVoter(id));
    const silent = staying.filter((member) => !view.isAlive(member.id));
    // The change itself is committed by those who stay: without a majority of them it never would be.
    if (silent.length * 2 >= staying.length) {
      return wait(
        adminErrors.noLiveMajority(
          id,
          silent.map((member) => member.id),
        ),
      );
    }
  }
  return { step: "change", change: { type: "remove", id }, reply: () => ok };
}

function planTransfer(id: NodeId | null, view: ClusterView): Plan {
  const to = id ?? bestSuccessor(view);
  if (to === null) return wait(adminErrors.noSuccessor);
  if (to === view.self) return answer(ok);
  const heir = view.membership.members.find((member) => member.id === to);
  if (heir === undefined) return answer(adminErrors.noMember(to));
  if (!heir.voter) return wait(adminErrors.isLearner(to));
  return view.isAlive(to) ? { step: "transfer", to } : wait(adminErrors.isSilent(to));
}

/** The other voter that is furthest along and answers; null when there is none. */
export function bestSuccessor(view: ClusterView): NodeId | null {
  let best: NodeId | null = null;
  for (const { id, voter } of view.membership.members) {
    if (id === view.self || !voter || !view.isAlive(id)) continue;
    if (best === null || view.match(id) > view.match(best)) best = id;
  }
  return best;
}
