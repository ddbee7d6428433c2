// The accepted connections that have proved nothing yet, and which of them is closed when there are too many.

import type { PeerConnection } from "./peer-connection.ts";

export interface UnprovenLimits {
  readonly unprovenMax: number;
  readonly unprovenPerAddressMax: number;
}

interface Stranger {
  readonly address: string;
  /** Whether the address is that of a known member. */
  readonly isMember: boolean;
}

/**
 * A flood of strangers must not keep a peer out. When an address has used up its share, one of its own connections is
 * closed. When there are too many in all, one is closed that does not come from a member's address, so strangers
 * elsewhere cannot push out a member. In both cases connections that have sent no good hello go first: a peer sends
 * one as soon as it is connected, and a stranger cannot without the cluster's id. Among the rest chance decides,
 * because the oldest would always be the one that waits for the network.
 */
export class Unproven {
  readonly #limits: UnprovenLimits;
  readonly #random: () => number;
  readonly #all = new Map<PeerConnection, Stranger>();

  constructor(limits: UnprovenLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  get size(): number {
    return this.#all.size;
  }

  add(connection: PeerConnection, stranger: Stranger): void {
    this.#all.set(connection, stranger);
  }

  delete(connection: PeerConnection): void {
    this.#all.delete(connection);
  }

  connections(): readonly PeerConnection[] {
    return [...this.#all.keys()];
  }

  /** Who has to go before a connection from this address is added; null when there is room. */
  toMakeRoomFor(address: string): PeerConnection | null {
    const all = [...this.#all];
    const fromThere = all.filter(([, stranger]) => stranger.address === address);
    if (fromThere.length >= this.#limits.unprovenPerAddressMax) return this.#oneOf(fromThere);
    if (all.length < this.#limits.unprovenMax) return null;
    const elsewhere = all.filter(([, stranger]) => !stranger.isMember);
    return this.#oneOf(elsewhere.length > 0 ? elsewhere : all);
  }

  #oneOf(list: readonly (readonly [PeerConnection, Stranger])[]): PeerConnection | null {
    const silent = list.filter(([connection]) => !connection.hasGreeted);
    const from = silent.length > 0 ? silent : list;
    return from[Math.floor(this.#random() * from.length)]?.[0] ?? null;
  }
}
