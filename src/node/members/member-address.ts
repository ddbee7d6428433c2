// Where a member is reached, and from which disk: what the layers above put into raft's opaque address.

export interface MemberAddress {
  /** host:port of the peer protocol. */
  readonly peer: string;
  /** host:port of RESP. */
  readonly client: string;
}

export interface MemberHome extends MemberAddress {
  /**
   * The random name, 32 hex digits, of the data directory to which the member's id was given; no other directory gets
   * that id. The founder has none. A member that an operator has admitted has none until its node asks to join.
   */
  readonly directory?: string | undefined;
}

export const directoryPattern = /^[0-9a-f]{32}$/;

export function encodeAddress({ peer, client, directory }: MemberHome): string {
  return JSON.stringify({ peer, client, directory });
}

/** Whether a member's encoded address names these two. */
export function isAt(text: string, { peer, client }: MemberAddress): boolean {
  const found = decodeAddress(text);
  return found.peer === peer && found.client === client;
}

/** An address that cannot be read counts as unreachable: it came through a committed entry. */
export function decodeAddress(text: string): MemberHome {
  try {
    const { peer, client, directory } = JSON.parse(text) as Partial<MemberHome>;
    if (typeof peer === "string" && typeof client === "string") {
      return typeof directory === "string" ? { peer, client, directory } : { peer, client };
    }
  } catch {
    // Falls through: not JSON.
  }
  return { peer: "", client: "" };
}
