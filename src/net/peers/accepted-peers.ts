// The accepted halves: every connection on the peer port, from its handshake to the frames it brings.

import type { Socket } from "node:net";
import { assert } from "../../assert.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { AcceptorHandshake } from "./handshake.ts";
import { type ConnectionEnd, PeerConnection } from "./peer-connection.ts";
import type { PeerIdentity, PeerLimits } from "./peer-options.ts";

export interface AcceptedOptions {
  readonly identity: PeerIdentity;
  readonly limits: PeerLimits;
  readonly logger: Logger;
  hasRemoved(peer: NodeId): boolean;
  frame(from: NodeId, kind: number, body: Buffer): void;
  /** A peer has proved who it is on a new connection. */
  arrived(peer: NodeId): void;
}

/** Reasons that were logged already, per address; forgotten all at once when there are too many. */
const loggedMax = 256;

export class AcceptedPeers {
  readonly #options: AcceptedOptions;
  /** In the order of arrival: the first is the oldest. */
  readonly #unproven = new Set<PeerConnection>();
  readonly #proven = new Map<NodeId, PeerConnection>();
  readonly #incarnations = new Map<NodeId, number>();
  readonly #logged = new Set<string>();
  #refusals = 0;

  constructor(options: AcceptedOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#unproven.size + this.#proven.size;
  }

  /** Connections that were turned away, for whatever reason, since the start. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Full: whoever has waited longest without proving anything makes room, proven peers never do. */
  accept(socket: Socket): void {
    if (this.count >= this.#options.limits.connectionsMax) {
      const [oldest] = this.#unproven;
      if (oldest === undefined) {
        this.#refusals += 1;
        socket.destroy();
        return;
      }
      oldest.abort("too many connections");
    }
    this.#begin(socket);
  }

  tick(): void {
    for (const [peer, connection] of [...this.#proven]) {
      if (this.#options.hasRemoved(peer)) connection.tellRemoved();
      else connection.tick();
    }
  }

  close(): void {
    for (const connection of [...this.#unproven, ...this.#proven.values()]) {
      connection.close("this node closes");
    }
  }

  #begin(socket: Socket): void {
    const { identity, limits } = this.#options;
    const remote = socket.remoteAddress ?? "an unknown address";
    const side = { role: "acceptor", handshake: new AcceptorHandshake(identity) } as const;
    let peer: NodeId | null = null;
    const connection = new PeerConnection(socket, side, limits, {
      ready: (id, incarnation) => {
        peer = id;
        this.#unproven.delete(connection);
        this.#prove(id, connection, incarnation);
      },
      frame: (kind, body) => {
        if (peer !== null) this.#options.frame(peer, kind, body);
      },
      removed: () => assert(false, "the accepting side is told nothing"),
      closed: (end) => {
        this.#unproven.delete(connection);
        if (peer === null) this.#turnedAway(remote, end);
        else this.#left(peer, connection, end);
      },
    });
    this.#unproven.add(connection);
    connection.start();
  }

  /** The newest one wins: the older is closed first, so the frames of two never mix. */
  #prove(peer: NodeId, connection: PeerConnection, incarnation: number): void {
    this.#proven.get(peer)?.close("the peer has connected anew");
    this.#proven.set(peer, connection);
    const before = this.#incarnations.get(peer) ?? 0;
    if (incarnation < before) {
      this.#options.logger.warn(
        `node ${peer} came back as incarnation ${incarnation} after ${before}: ` +
          "is its data directory an old copy?",
      );
    }
    this.#incarnations.set(peer, incarnation);
    if (this.#options.hasRemoved(peer)) connection.tellRemoved();
    else this.#options.arrived(peer);
  }

  #left(peer: NodeId, connection: PeerConnection, end: ConnectionEnd): void {
    if (this.#proven.get(peer) === connection) this.#proven.delete(peer);
    this.#options.logger.debug(`node ${peer} no longer sends: ${end.reason}`);
  }

  #turnedAway(remote: string, end: ConnectionEnd): void {
    this.#refusals += 1;
    const line = `refused a peer connection from ${remote}: ${end.reason}`;
    if (this.#logged.has(line)) return;
    if (this.#logged.size >= loggedMax) this.#logged.clear();
    this.#logged.add(line);
    this.#options.logger.warn(line);
  }
}
