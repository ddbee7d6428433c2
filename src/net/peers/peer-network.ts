// All connections of this node to its peers: it dials one per peer for sending, and accepts one per peer for receiving.

import { createServer, type Server } from "node:net";
import { assert } from "../../assert.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { parseEndpoint } from "../endpoint.ts";
import { AcceptedPeers } from "./accepted-peers.ts";
import { OutboundLink } from "./outbound-link.ts";
import {
  defaultPeerLimits,
  type PeerHandlers,
  type PeerLimits,
  type PeerNetworkOptions,
} from "./peer-options.ts";

/** Drops what cannot be sent; whoever sends must be ready to send again. */
export class PeerNetwork {
  readonly #options: PeerNetworkOptions;
  readonly #limits: PeerLimits;
  readonly #handlers: PeerHandlers;
  readonly #accepted: AcceptedPeers;
  readonly #links = new Map<NodeId, OutboundLink>();
  readonly #servers: Server[] = [];
  #port = 0;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: PeerNetworkOptions) {
    this.#options = options;
    this.#limits = { ...defaultPeerLimits, ...options.limits };
    this.#handlers = options.handlers;
    this.#accepted = new AcceptedPeers({
      identity: options,
      limits: this.#limits,
      logger: options.logger,
      hasRemoved: (peer) => options.hasRemoved(peer),
      frame: (from, kind, body) => this.#handlers.frame(from, kind, body),
      isMemberAddress: (address) => this.#isMemberAddress(address),
      arrived: (peer) => this.#links.get(peer)?.nudge(),
    });
  }

  /** The port that was taken, when 0 was asked for; 0 before `listen`. */
  get port(): number {
    return this.#port;
  }

  /** Connections turned away on the peer port since the start. */
  get refusals(): number {
    return this.#accepted.refusals;
  }

  /** Rejects with the operating system's error when an address cannot be had. */
  async listen(): Promise<void> {
    const { bind, port } = this.#options;
    this.#port = port;
    const addresses = typeof bind === "string" ? [{ host: bind, optional: false }] : bind;
    for (const { host, optional } of addresses) {
      try {
        await this.#listenOn(host);
      } catch (error) {
        if (optional && isMissingAddress(error)) continue;
        throw error;
      }
    }
    this.#timer = setInterval(() => this.#tick(), this.#limits.pingMs);
  }

  /** Sets the peers to dial: links to new ones are made, links to missing ones closed. This node's own id is ignored. */
  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    if (this.#closed) return;
    for (const [peer, link] of this.#links) {
      const endpoint = parseEndpoint(peers.get(peer) ?? "");
      if (endpoint?.host === link.host && endpoint.port === link.port) continue;
      link.close();
      this.#links.delete(peer);
    }
    for (const [peer, address] of peers) {
      if (peer === this.#options.nodeId || this.#links.has(peer)) continue;
      const endpoint = parseEndpoint(address);
      if (endpoint === null) {
        this.#options.logger.warn(`node ${peer} has no usable peer address: '${address}'`);
      } else {
        this.#links.set(peer, this.#dial(peer, endpoint));
      }
    }
  }

  /**
   * Puts a frame (a kind below 0xf0, a body in parts) into the peer's queue; the frames of one turn leave in one write.
   * Kinds below `bulkKindMin` (piece.ts) are urgent: they fit into one piece, and leave between the pieces of bulk. The
   * parts must not be changed afterwards. The piece's CRC covers the first `summedBytes` of the body, all of it by
   * default. False: dropped, because the peer is not connected or its queue of this kind is full.
   */
  send(to: NodeId, kind: number, body: readonly Uint8Array[], summedBytes?: number): boolean {
    return this.#links.get(to)?.send(kind, body, summedBytes) ?? false;
  }

  /** What was sent in this turn of the event loop leaves now. */
  flush(): void {
    for (const link of this.#links.values()) link.flush();
  }

  /** What was sent before has a moment to leave. No handler is called afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#accepted.close();
    await Promise.all(this.#servers.map(closed));
  }

  #isMemberAddress(address: string): boolean {
    for (const link of this.#links.values()) if (link.isAt(address)) return true;
    return false;
  }

  #tick(): void {
    for (const link of this.#links.values()) link.tick();
    this.#accepted.tick();
  }

  #dial(peer: NodeId, endpoint: { readonly host: string; readonly port: number }): OutboundLink {
    const { logger } = this.#options;
    return new OutboundLink({
      identity: this.#options,
      peer,
      ...endpoint,
      limits: this.#limits,
      logger,
      events: {
        up: (id) => this.#handlers.connected(id),
        down: (id, refused) => this.#handlers.disconnected(id, refused),
        removed: (by) => this.#handlers.removed(by),
      },
    });
  }

  async #listenOn(host: string): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#accepted.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port: this.#port, exclusive: true }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => this.#options.logger.error(`peer port: ${error.message}`));
    this.#servers.push(server);
    const address = server.address();
    assert(address !== null && typeof address === "object", "a TCP server has an address");
    this.#port = address.port;
  }
}

function isMissingAddress(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
