// What the peer network is given: who this node is, who listens to it, and its limits.

import {
  handshakeBytesMax,
  handshakeMs,
  peerBackoffMaxMs,
  peerBackoffMinMs,
  peerDialMs,
  peerFrameBytesMax,
  peerPieceBytesMax,
  peerPingMs,
  peerProvenMax,
  peerQueueBytesMax,
  peerSilentPingsMax,
  peerUnprovenMax,
  peerUnprovenPerAddressMax,
  peerUrgentQueueBytesMax,
  peerWindowBytes,
} from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";

/** Called from socket events, never from within a call of the network's own methods. */
export interface PeerHandlers {
  /**
   * One whole frame; its checksums cover as many bytes as its sender chose. The body may be a view of a larger
   * buffer: copy what is kept long.
   */
  frame(from: NodeId, kind: number, body: Buffer): void;
  /** Frames can be sent to the peer from now on. */
  connected(peer: NodeId): void;
  /**
   * Frames to the peer are lost from now on. First with `refused` false when a connection ends; then
   * with `refused` true as often as its host answers that nothing listens there: the process is gone.
   * A peer that was never reached can come with `refused` true at once.
   */
  disconnected(peer: NodeId, refused: boolean): void;
  /** A peer that has proved itself says that this node was removed from the cluster. */
  removed(by: NodeId): void;
}

export interface PeerLimits {
  /** Largest body of a bulk frame, and of a piece, which is also the largest urgent frame. */
  readonly frameBytesMax: number;
  readonly pieceBytesMax: number;
  /** Bulk on its way to one peer, and bulk that waits for it (a single larger frame waits alone). */
  readonly windowBytes: number;
  readonly queueBytesMax: number;
  readonly urgentQueueBytesMax: number;
  readonly handshakeBytesMax: number;
  readonly handshakeMs: number;
  /** Accepted connections: of proven peers, of those that have proved nothing yet, and of these from one address. */
  readonly provenMax: number;
  readonly unprovenMax: number;
  readonly unprovenPerAddressMax: number;
  readonly dialMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly pingMs: number;
  readonly silentPingsMax: number;
}

export const defaultPeerLimits: PeerLimits = {
  frameBytesMax: peerFrameBytesMax,
  pieceBytesMax: peerPieceBytesMax,
  windowBytes: peerWindowBytes,
  queueBytesMax: peerQueueBytesMax,
  urgentQueueBytesMax: peerUrgentQueueBytesMax,
  handshakeBytesMax,
  handshakeMs,
  provenMax: peerProvenMax,
  unprovenMax: peerUnprovenMax,
  unprovenPerAddressMax: peerUnprovenPerAddressMax,
  dialMs: peerDialMs,
  backoffMinMs: peerBackoffMinMs,
  backoffMaxMs: peerBackoffMaxMs,
  pingMs: peerPingMs,
  silentPingsMax: peerSilentPingsMax,
};

/** Who this node is towards its peers. */
export interface PeerIdentity {
  /** Latin1, at most 255 bytes. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly incarnation: number;
  /** Shared by all nodes of the cluster; null where every peer is on this machine. Latin1. */
  readonly secret: string | null;
}

export interface PeerNetworkOptions extends PeerIdentity {
  /** Addresses to listen on; an optional one may be missing on this machine. */
  readonly bind: string | readonly { readonly host: string; readonly optional: boolean }[];
  /** 0 picks a free one: see PeerNetwork.port. */
  readonly port: number;
  readonly logger: Logger;
  /** Whether the peer was removed from the cluster: it is told so, and its frames are not read. */
  hasRemoved(peer: NodeId): boolean;
  readonly handlers: PeerHandlers;
  readonly limits?: Partial<PeerLimits>;
}
