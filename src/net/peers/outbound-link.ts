// The dialled connection to one peer: it is made again whenever it is lost, and carries this node's frames.

import { connect } from "node:net";
import { assert } from "../../assert.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { plainAddress } from "../endpoint.ts";
import { DiallerHandshake } from "./handshake.ts";
import { type ConnectionEnd, PeerConnection } from "./peer-connection.ts";
import type { PeerIdentity, PeerLimits } from "./peer-options.ts";
import { isBulk, ownKindMin } from "./piece.ts";

export interface LinkEvents {
  up(peer: NodeId): void;
  /** See PeerHandlers.disconnected. */
  down(peer: NodeId, refused: boolean): void;
  /** See PeerHandlers.removed. */
  removed(by: NodeId): void;
}

export interface LinkOptions {
  readonly identity: PeerIdentity;
  readonly peer: NodeId;
  readonly host: string;
  readonly port: number;
  readonly limits: PeerLimits;
  readonly logger: Logger;
  readonly events: LinkEvents;
}

/** A connection that was up for so many ticks counts as a steady one. */
const steadyTicks = 2;
/** So many failed attempts (about half a second) are not logged: the peer may just be starting. */
const patience = 5;

export class OutboundLink {
  readonly #options: LinkOptions;
  #connection: PeerConnection | null = null;
  /** The host's address when it was connected last. */
  #address: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #attempts = 0;
  #ticksUp = 0;
  /** How many connections in a row were lost before they counted as steady. */
  #flaps = 0;
  /** The state that `events` was told last. */
  #isUp = false;
  #lastReason = "";
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#schedule(0);
  }

  get host(): string {
    return this.#options.host;
  }

  get port(): number {
    return this.#options.port;
  }

  /** Whether the peer is at this address, as configured or as connected last: it dials us from there, too. */
  isAt(address: string): boolean {
    return address === this.#options.host || address === this.#address;
  }

  /** False when the frame was dropped: the peer is not connected, or the queue for this kind of frame is full. */
  send(kind: number, parts: readonly Uint8Array[], summedBytes: number | undefined): boolean {
    assert(kind < ownKindMin, "kinds from 0xf0 on belong to the handshake");
    const connection = this.#connection;
    if (connection === null || !connection.ready) return false;
    let bytes = 0;
    for (const part of parts) bytes += part.byteLength;
    const summed = summedBytes ?? bytes;
    assert(summed <= bytes, "no more is summed than there is");
    const { frameBytesMax, pieceBytesMax } = this.#options.limits;
    if (!isBulk(kind)) {
      // Its size may come from what a client asked, so it must not end this node.
      if (bytes > pieceBytesMax) {
        this.#options.logger.error(`dropped an urgent frame of ${bytes} bytes, of kind ${kind}`);
        return false;
      }
      return connection.sendUrgent(kind, parts, bytes, summed);
    }
    assert(bytes <= frameBytesMax, "a frame keeps to its limit");
    return connection.sendBulk(kind, parts, bytes, summed);
  }

  flush(): void {
    this.#connection?.flush();
  }

  tick(): void {
    this.#ticksUp += 1;
    this.#connection?.tick();
  }

  /** Dials at once instead of after the pause: the peer has just connected to us, so it is up. */
  nudge(): void {
    if (this.#timer !== null) this.#schedule(0);
  }

  /** Closes the link for good, without an event. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#connection?.close("no longer needed");
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#dial();
    }, delayMs);
  }

  #dial(): void {
    const { host, port, identity, peer, limits } = this.#options;
    const socket = connect({ host, port });
    const side = { role: "dialler", handshake: new DiallerHandshake(identity, peer) } as const;
    const connection = new PeerConnection(socket, side, limits, {
      ready: () => this.#up(),
      frame: () => assert(false, "the dialled side receives no frames"),
      removed: () => this.#options.events.removed(peer),
      closed: (end) => {
        clearTimeout(deadline);
        this.#connection = null;
        this.#down(end);
      },
    });
    const deadline = setTimeout(() => connection.close("no connection in time"), limits.dialMs);
    this.#connection = connection;
    socket.once("connect", () => {
      clearTimeout(deadline);
      this.#address = plainAddress(socket.remoteAddress);
      connection.start();
    });
  }

  #up(): void {
    this.#isUp = true;
    this.#ticksUp = 0;
    this.#lastReason = "";
    const { logger, peer, host, port, events } = this.#options;
    logger.info(`connected to node ${peer} at ${host}:${port}`);
    events.up(peer);
  }

  #down(end: ConnectionEnd): void {
    if (this.#closed) return;
    const wasUp = this.#isUp;
    if (wasUp) this.#flaps = this.#ticksUp >= steadyTicks ? 0 : this.#flaps + 1;
    const isSudden = wasUp && this.#flaps <= 1;
    if (isSudden) this.#attempts = 0;
    this.#log(end, wasUp);
    // A lost connection is tried again at once: a refusal then says that the process is gone.
    this.#schedule(isSudden ? 0 : this.#backoffMs(end.refused));
    this.#attempts += 1;
    this.#tell(end.code === "ECONNREFUSED");
  }

  #tell(refused: boolean): void {
    const { events, peer } = this.#options;
    if (this.#isUp) {
      this.#isUp = false;
      events.down(peer, false);
    } else if (refused) events.down(peer, true);
  }

  /** Doubles from attempt to attempt; jitter keeps nodes from marching in step. */
  #backoffMs(refused: boolean): number {
    const { backoffMinMs, backoffMaxMs } = this.#options.limits;
    const grown = backoffMinMs * 2 ** Math.min(this.#attempts, 20);
    const full = refused ? backoffMaxMs : Math.min(backoffMaxMs, grown);
    return full * (0.5 + Math.random() / 2);
  }

  /** Every reason once per outage, not once per attempt, and not while a peer is only just starting. */
  #log(end: ConnectionEnd, wasUp: boolean): void {
    const { logger, peer, host, port } = this.#options;
    const isNews = wasUp || end.refused || this.#attempts >= patience;
    if (!isNews || end.reason === this.#lastReason) return;
    this.#lastReason = end.reason;
    const what = wasUp ? "lost the connection to" : "cannot reach";
    logger.warn(`${what} node ${peer} at ${host}:${port}: ${end.reason}`);
  }
}
