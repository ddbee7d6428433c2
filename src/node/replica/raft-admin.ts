// RAFT STATUS, ADD, REMOVE and TRANSFER as commands see them.

import type { NodeId } from "../../raft/core/types.ts";
import type { Reply } from "../../resp/reply.ts";
import type { RaftAdmin, RaftStatus } from "../../state/commands/session-context.ts";
import { decodeAddress } from "../members/member-address.ts";
import type { Replica } from "./replica.ts";

export class ReplicaAdmin implements RaftAdmin {
  readonly #clusterId: string;
  readonly #nodeId: NodeId;
  readonly #replica: Replica;
  /** How much of a snapshot the member has; null when none is on its way to it. */
  readonly #snapshotPercent: (member: NodeId) => number | null;

  constructor(
    { clusterId, nodeId }: { readonly clusterId: string; readonly nodeId: NodeId },
    replica: Replica,
    snapshotPercent: (member: NodeId) => number | null,
  ) {
    this.#clusterId = clusterId;
    this.#nodeId = nodeId;
    this.#replica = replica;
    this.#snapshotPercent = snapshotPercent;
  }

  status(): RaftStatus {
    const { driver, machine } = this.#replica;
    const { core } = driver;
    return {
      clusterId: this.#clusterId,
      nodeId: this.#nodeId,
      role: this.#role(),
      term: core.term,
      leaderId: core.leader ?? 0,
      commitIndex: core.commit,
      appliedIndex: machine.appliedIndex,
      firstIndex: driver.firstIndex,
      lastIndex: core.last.index,
      logBytes: driver.logBytes,
      logTimeMs: machine.logTimeMs,
      pendingWrites: this.#replica.pendingWrites,
      members: this.#members(),
    };
  }

  add(peer: string, client: string, directory?: string): Promise<Reply> {
    return this.#replica.admin.ask({ verb: "add", peer, client, directory });
  }
  remove(id: number): Promise<Reply> {
    return this.#replica.admin.ask({ verb: "remove", id });
  }
  transfer(id: number | null): Promise<Reply> {
    return this.#replica.admin.ask({ verb: "transfer", id });
  }

  #role(): RaftStatus["role"] {
    const { driver } = this.#replica;
    const { members } = driver.core.membership;
    const self = members.find(({ id }) => id === this.#nodeId);
    // A node that has just joined does not know the cluster yet.
    if (members.length === 0 || self?.voter === false) return "learner";
    const { role } = driver.core;
    return role === "preCandidate" ? "candidate" : role;
  }

  #members(): RaftStatus["members"] {
    const { driver } = this.#replica;
    const progress = new Map(driver.core.progress().map((each) => [each.id, each]));
    // A node that was down when it was removed still finds itself in its own log.
    const members = this.#replica.membership.isRemoved
      ? driver.core.membership.members.filter(({ id }) => id !== this.#nodeId)
      : driver.core.membership.members;
    return members.map(({ id, voter, address }) => {
      const { peer, client } = decodeAddress(address);
      const known = progress.get(id);
      const snapshotPercent = this.#snapshotPercent(id);
      return {
        id,
        voter,
        clientAddress: client,
        peerAddress: peer,
        matchIndex: known?.match ?? null,
        active: known?.active ?? null,
        clockOffsetMs: this.#replica.time.clockOffsetMs(id),
        ...(snapshotPercent === null ? {} : { snapshotPercent }),
      };
    });
  }
}
