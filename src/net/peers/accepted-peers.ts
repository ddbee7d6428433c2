// The accepted halves: every connection on the peer port, from its handshake to the frames it brings.

import type { Socket } from "node:net";
import { assert } from "../../assert.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { plainAddress } from "../endpoint.ts";
import { AcceptorHandshake } from "./handshake.ts";
import { type ConnectionEnd, PeerConnection } from "./peer-connection.ts";
import type { PeerIdentity, PeerLimits } from "./peer-options.ts";
import { Unproven } from "./unproven.ts";
import { WrongProofs } from "./wrong-proofs.ts";

export interface AcceptedOptions {
  readonly identity: PeerIdentity;
  readonly limits: PeerLimits;
  readonly logger: Logger;
  hasRemoved(peer: NodeId): boolean;
  /** Whether a member of the cluster is dialled at this address. */
  isMemberAddress(address: string): boolean;
  frame(from: NodeId, kind: number, body: Buffer): void;
  /** A peer has proved who it is on a new connection. */
  arrived(peer: NodeId): void;
}

/** Most refusals (address and reason) that are remembered as logged; beyond them the memory begins anew. */
const loggedMax = 256;
/** Most nodes whose last incarnation is remembered; beyond them the one that connected longest ago is forgotten. */
const incarnationsMax = 256;

export class AcceptedPeers {
  readonly #options: AcceptedOptions;
  readonly #unproven: Unproven;
  readonly #wrongProofs = new WrongProofs();
  readonly #proven = new Map<NodeId, PeerConnection>();
  readonly #incarnations = new Map<NodeId, number>();
  readonly #logged = new Set<string>();
  #refusals = 0;

  constructor(options: AcceptedOptions) {
    this.#options = options;
    this.#unproven = new Unproven(options.limits, Math.random);
  }

  /** Connections that were turned away, for whatever reason, since the start. */
  get refusals(): number {
    return this.#refusals;
  }

  /**
   * An address from which a wrong secret was tried is refused for a while. Addresses of known members are exempt:
   * otherwise a stranger behind the same address could keep the member out.
   */
  accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    const isMember = this.#options.isMemberAddress(address);
    if (!isMember && this.#wrongProofs.isPaused(address, performance.now())) {
      this.#refusals += 1;
      socket.destroy();
      return;
    }
    this.#unproven.toMakeRoomFor(address)?.abort("too many connections");
    this.#begin(socket, { address, isMember });
  }

  tick(): void {
    for (const [peer, connection] of [...this.#proven]) {
      if (this.#options.hasRemoved(peer)) connection.tellRemoved();
      else connection.tick();
    }
  }

  close(): void {
    for (const connection of [...this.#unproven.connections(), ...this.#proven.values()]) {
      connection.close("this node closes");
    }
  }

  #begin(socket: Socket, from: { readonly address: string; readonly isMember: boolean }): void {
    const { identity, limits } = this.#options;
    const side = { role: "acceptor", handshake: new AcceptorHandshake(identity) } as const;
    let peer: NodeId | null = null;
    const connection = new PeerConnection(socket, side, limits, {
      ready: (id, incarnation) => {
        peer = id;
        this.#unproven.delete(connection);
        this.#wrongProofs.forgive(from.address);
        this.#prove(id, connection, incarnation);
      },
      frame: (kind, body) => {
        if (peer !== null) this.#options.frame(peer, kind, body);
      },
      removed: () => assert(false, "the accepting side is told nothing"),
      closed: (end) => {
        this.#unproven.delete(connection);
        if (peer === null) this.#turnedAway(from.address, end);
        else this.#left(peer, connection, end);
      },
    });
    this.#unproven.add(connection, from);
    connection.start();
  }

  /** A peer's newest connection replaces its older one, which is closed first, so the frames of the two never mix. */
  #prove(peer: NodeId, connection: PeerConnection, incarnation: number): void {
    const former = this.#proven.get(peer);
    if (former === undefined && this.#proven.size >= this.#options.limits.provenMax) {
      this.#refusals += 1;
      connection.close("too many peers");
      return;
    }
    former?.close("the peer has connected anew");
    this.#proven.set(peer, connection);
    this.#compareIncarnation(peer, incarnation);
    if (this.#options.hasRemoved(peer)) connection.tellRemoved();
    else this.#options.arrived(peer);
  }

  #compareIncarnation(peer: NodeId, incarnation: number): void {
    const before = this.#incarnations.get(peer) ?? 0;
    if (incarnation < before) {
      this.#options.logger.warn(
        `node ${peer} came back as incarnation ${incarnation} after ${before}: ` +
          "is its data directory an old copy?",
      );
    }
    this.#incarnations.delete(peer);
    const [oldest] = this.#incarnations.keys();
    if (oldest !== undefined && this.#incarnations.size >= incarnationsMax) {
      this.#incarnations.delete(oldest);
    }
    this.#incarnations.set(peer, incarnation);
  }

  #left(peer: NodeId, connection: PeerConnection, end: ConnectionEnd): void {
    if (this.#proven.get(peer) === connection) this.#proven.delete(peer);
    this.#options.logger.debug(`node ${peer} no longer sends: ${end.reason}`);
  }

  #turnedAway(address: string, end: ConnectionEnd): void {
    this.#refusals += 1;
    if (end.wrongProof) this.#wrongProofs.add(address, performance.now());
    const line = `refused a peer connection from ${address}: ${end.reason}`;
    if (this.#logged.has(line)) return;
    if (this.#logged.size >= loggedMax) this.#logged.clear();
    this.#logged.add(line);
    this.#options.logger.warn(line);
  }
}
