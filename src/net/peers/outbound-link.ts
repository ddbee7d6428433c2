// The dialled half of a pair: connects to one peer, again and again, and sends frames while it stands.

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

/** A connection that stood this long was a good one. */
const steadyTicks = 2;
/** Failed attempts that are nothing to speak of: half a second or so. */
const patience = 5;

export class OutboundLink {
  readonly #options: LinkOptions;
  #connection: PeerConnection | null = null;
  /** The address that the host was at when it was reached last. */
  #address: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #attempts = 0;
  #ticksUp = 0;
  /** Connections in a row that did not stand long. */
  #flaps = 0;
  /** As it was told last. */
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

  /** The peer dials from there as well: it is where this link has to go, or where it has arrived. */
  isAt(address: string): boolean {
    return address === this.#options.host || address === this.#address;
  }

  /** False when dropped: not connected, or more than the queue of its kind may hold. */
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
      assert(bytes <= pieceBytesMax, "an urgent frame fits into one piece");
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

  /** The peer is known to live (it has just connected to us): no reason to wait any longer. */
  nudge(): void {
    if (this.#timer !== null) this.#schedule(0);
  }

  /** For good. Nothing is told of it. */
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
