// Where the members are dialled: as the configuration says, unless one has told of another address since.

import { membersMax } from "../../constants.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { asNode, type Membership, type NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { frameKind, type Peers } from "../frames.ts";
import { decodeAddress, encodeAddress, isAt, type MemberAddress } from "./member-address.ts";

/** An announcement: member `id` is at these addresses. */
interface Announcement extends MemberAddress {
  readonly id: NodeId;
  /** The sender is not where its configuration says, and others may have moved as well: it asks where the receiver is. */
  readonly asks: boolean;
}

type Driver = Pick<RaftDriver, "core" | "proposeMembership" | "isLeader">;

/**
 * A node that comes back under a new address can dial the others, but they cannot dial it. So every node tells the
 * nodes that it dials where it is, and they dial it there at once: a majority may have moved, and nothing can be
 * committed before they reach each other.
 *
 * The same holds for two nodes of which one does not know the other yet: a node that has just joined may be unknown
 * to nodes that are behind, and a leader may be unknown to a node that lacks its first entries. Only nodes that have
 * proved on their connection that they belong to this cluster are heard, and one that no configuration names is
 * believed about its own address alone.
 */
export class AddressBook {
  readonly #driver: Driver;
  readonly #peers: Peers;
  /** Where this node listens now; null as long as it does not. */
  readonly #own: () => MemberAddress | null;
  /** What members have told, with what the configuration said at that time. */
  readonly #told = new Map<NodeId, { readonly before: string; readonly peer: string }>();
  /** Peers that no configuration here names yet: known from the invitation, or from their own announcement. */
  readonly #strangers: Map<NodeId, string>;
  #dialled: ReadonlyMap<NodeId, string> = new Map();
  #newest: Membership | null = null;
  /** The newest configuration that was seen committed. */
  #settled: Membership | null = null;

  /** `invited`: the peers that the invitation of a new node names. */
  constructor(
    driver: Driver,
    peers: Peers,
    own: () => MemberAddress | null,
    invited: ReadonlyMap<NodeId, string>,
  ) {
    this.#driver = driver;
    this.#peers = peers;
    this.#own = own;
    this.#strangers = new Map(invited);
  }

  /** Called when the configuration may have changed; what it says of a member from then on counts. */
  follow(): void {
    const { membership, membershipPending } = this.#driver.core;
    if (membership === this.#newest && (membershipPending || membership === this.#settled)) return;
    this.#newest = membership;
    if (!membershipPending) this.#settle(membership);
    this.#dial();
  }

  #settle(membership: Membership): void {
    this.#settled = membership;
    for (const id of this.#strangers.keys()) {
      if (id < membership.nextId) this.#strangers.delete(id);
    }
  }

  /** Now and then: tells everybody this node's address. What was said once may be lost or outdated. */
  announce(): void {
    const { id } = this.#driver.core;
    const address = this.#own();
    if (address === null) return;
    const asks = !isAt(this.#configured(id) ?? "", address);
    const announcement: Announcement = { id, ...address, asks };
    if (asks) this.#propose(announcement);
    for (const peer of this.#dialled.keys()) this.#send(peer, announcement);
  }

  /** A member's own announcement is passed on to the leader, which it may not reach itself. */
  heard(from: NodeId, body: Buffer): void {
    const announcement = decodeAnnouncement(body);
    const { core } = this.#driver;
    if (announcement === null || announcement.id === core.id) return;
    const { id, asks } = announcement;
    const isRelay = from !== id;
    if (this.#isNew(id, announcement)) this.#believe(announcement);
    else if (!isRelay) this.#meet(announcement);
    if (!isRelay && asks && core.leader !== null && core.leader !== core.id) {
      this.#send(core.leader, announcement);
    }
    // A node that has moved cannot learn from the log who moved before it, because it cannot acknowledge entries: so it
    // is told.
    const own = this.#own();
    if (asks && own !== null) this.#send(id, { id: core.id, ...own, asks: false });
  }

  #meet({ id, peer }: Announcement): void {
    if (this.#told.delete(id)) this.#dial(); // It is back where the configuration has it.
    const isKnown = id < this.#driver.core.membership.nextId; // A member, or removed.
    if (isKnown || this.#strangers.get(id) === peer) return;
    if (!this.#strangers.has(id) && this.#strangers.size >= membersMax) return;
    this.#strangers.set(id, peer);
    this.#dial();
  }

  #believe(announcement: Announcement): void {
    const { id, peer } = announcement;
    const before = this.#configured(id);
    if (before !== null && this.#told.get(id)?.peer !== peer) {
      this.#told.set(id, { before, peer });
      this.#dial();
    }
    this.#propose(announcement);
  }

  /**
   * Members of the last committed configuration are dialled, too: a leader that is being removed needs
   * acknowledgements until its removal is committed.
   */
  #dial(): void {
    const peers = new Map(this.#strangers);
    for (const membership of [this.#settled, this.#newest]) {
      for (const { id, address } of membership?.members ?? []) {
        const told = this.#told.get(id);
        if (told !== undefined && told.before !== address) this.#told.delete(id);
        const peer = this.#told.get(id)?.peer ?? decodeAddress(address).peer;
        if (id !== this.#driver.core.id) peers.set(id, peer);
      }
    }
    this.#dialled = peers;
    this.#peers.setPeers(peers);
  }

  /** At the leader. The core may refuse it for now: the announcement comes again. */
  #propose({ id, peer, client }: Announcement): void {
    const { members } = this.#driver.core.membership;
    const member = members.find((each) => each.id === id);
    if (!this.#driver.isLeader || member === undefined) return;
    if (members.some((each) => each !== member && isAt(each.address, { peer, client }))) return;
    const address = encodeAddress({ ...decodeAddress(member.address), peer, client });
    this.#driver.proposeMembership({ type: "setAddress", member: { ...member, address } });
  }

  #send(to: NodeId, announcement: Announcement): void {
    const body = Buffer.from(JSON.stringify(announcement));
    this.#peers.send(to, frameKind.address, [body]);
  }

  #configured(id: NodeId): string | null {
    return this.#driver.core.membership.members.find((member) => member.id === id)?.address ?? null;
  }

  /** Of a member, and not what the configuration says. */
  #isNew(id: NodeId, address: MemberAddress): boolean {
    const configured = this.#configured(id);
    return configured !== null && !isAt(configured, address);
  }
}

/** Null when it names no member or no addresses. */
function decodeAnnouncement(body: Buffer): Announcement | null {
  let fields: Partial<Record<keyof Announcement, unknown>>;
  try {
    fields = JSON.parse(body.toString("utf8")) as typeof fields;
  } catch {
    return null;
  }
  if (typeof fields !== "object" || fields === null) return null;
  const { id, peer, client, asks } = fields;
  if (!Number.isSafeInteger(id) || typeof asks !== "boolean") return null;
  if (typeof peer !== "string" || typeof client !== "string") return null;
  if (parseEndpoint(peer) === null || parseEndpoint(client) === null) return null;
  return { id: asNode(id as number), peer, client, asks };
}
