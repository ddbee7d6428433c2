// One direction between two nodes: the connection that `from` dials and sends on.

/** The end of a link: a process. */
export interface Host {
  readonly id: number;
  /** The process runs, or is paused. */
  readonly isUp: boolean;
  readonly isPaused: boolean;
  frame(from: number, kind: number, body: Buffer): void;
  connected(peer: number): void;
  /** `refused`: nothing listens there, the process is gone. */
  disconnected(peer: number, refused: boolean): void;
  /** By what this node knows, the peer is no member any more. */
  hasRemoved(peer: number): boolean;
  /** A member says that this node is none any more. */
  removed(by: number): void;
}

export interface Frame {
  readonly arrives: number;
  readonly kind: number;
  readonly body: Buffer;
}

export interface Link {
  readonly from: Host;
  readonly to: Host;
  /** The dialler's address book names the other one. */
  isWanted: boolean;
  state: "closed" | "waiting" | "dialling" | "up";
  /** Moves on with every change of state: events of an earlier one are void. */
  epoch: number;
  frames: Frame[];
  isDelivering: boolean;
  /** Packets of this direction get nowhere. */
  isBlocked: boolean;
  /** The process at the other end is another one, or none: the next packet is answered by a reset. */
  isOrphan: boolean;
  silentPings: number;
  attempts: number;
  told: "nothing" | "up" | "down" | "refused";
  /** The last arrival: the next one is not earlier. */
  lastArrival: number;
}

export function newLink(from: Host, to: Host): Link {
  return {
    ...{
      from,
      to,
      isWanted: false,
      state: "closed",
      epoch: 0,
      frames: [],
      isDelivering: false,
      isBlocked: false,
    },
    ...{ isOrphan: false, silentPings: 0, attempts: 0, told: "nothing", lastArrival: 0 },
  };
}
