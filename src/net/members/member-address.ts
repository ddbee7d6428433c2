// Where a member is reached: what the layers above put into raft's opaque address.

export interface MemberAddress {
  /** host:port of the peer protocol. */
  readonly peer: string;
  /** host:port of RESP. */
  readonly client: string;
}

export function encodeAddress(address: MemberAddress): string {
  return JSON.stringify({ peer: address.peer, client: address.client });
}

/** An address that cannot be read counts as unreachable: it came through a committed entry. */
export function decodeAddress(text: string): MemberAddress {
  try {
    const { peer, client } = JSON.parse(text) as Partial<MemberAddress>;
    if (typeof peer === "string" && typeof client === "string") return { peer, client };
  } catch {
    // Falls through: not JSON.
  }
  return { peer: "", client: "" };
}
