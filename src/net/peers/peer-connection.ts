// One socket between two peers: the handshake, then frames in one direction and signs of life in the other.

import type { Socket } from "node:net";
import type { NodeId } from "../../raft/core/types.ts";
import { codeOf, describeError } from "../../system-error.ts";
import { FrameDecoder, ownKindMin } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { AcceptorHandshake, DiallerHandshake } from "./handshake.ts";
import { ownKind } from "./handshake-codec.ts";
import type { PeerLimits } from "./peer-options.ts";

/** Signs of life that a peer may leave unread. */
const unreadPongBytesMax = 64 * 1024;
/** The kernel's own probes, for connections whose process cannot look. */
const keepAliveMs = 5_000;
/** What was written before a close has this long to leave. */
const lingerMs = 300;

export interface ConnectionEvents {
  ready(peer: NodeId, incarnation: number): void;
  /** Only on the accepting side. */
  frame(kind: number, body: Buffer): void;
  /** Only on the dialling side: the acceptor says that this node was removed from the cluster. */
  removed(): void;
  /** Once, whatever ended it. */
  closed(end: ConnectionEnd): void;
}

export interface ConnectionEnd {
  /** One line for the log. */
  readonly reason: string;
  /** The operating system's error code, when that was the end. */
  readonly code: string | null;
  /** The handshake said no, here or there. */
  readonly refused: boolean;
}

export type Side =
  | { readonly role: "dialler"; readonly handshake: DiallerHandshake }
  | { readonly role: "acceptor"; readonly handshake: AcceptorHandshake };

/** Frames flow from the dialler to the acceptor; the acceptor only sends pongs. */
export class PeerConnection {
  readonly #socket: Socket;
  readonly #side: Side;
  readonly #limits: PeerLimits;
  readonly #events: ConnectionEvents;
  readonly #decoder: FrameDecoder;
  readonly writer: FrameWriter;
  #state: "handshake" | "ready" | "closed" = "handshake";
  #handshakeBytes = 0;
  #handshakeTimer: NodeJS.Timeout | null = null;
  #heard = false;
  #silentTicks = 0;

  constructor(socket: Socket, side: Side, limits: PeerLimits, events: ConnectionEvents) {
    this.#socket = socket;
    this.#side = side;
    this.#limits = limits;
    this.#events = events;
    this.writer = new FrameWriter(socket);
    this.#decoder = new FrameDecoder(limits.handshakeBytesMax, (kind, body) => {
      this.#receive(kind, body);
      return this.#state !== "closed";
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("end", () => this.#end("the peer ended the connection"));
    socket.on("error", (error) => {
      this.#end(describeError(error), { code: codeOf(error) });
    });
    socket.on("close", () => this.#end("the connection was closed"));
  }

  /** Begins the handshake; the socket is connected. */
  start(): void {
    if (this.#state !== "handshake") return;
    const late = () => this.#end("no handshake in time");
    this.#handshakeTimer = setTimeout(late, this.#limits.handshakeMs);
    if (this.#side.role === "dialler") this.#socket.write(this.#side.handshake.start());
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  /** Ends the connection; what was written has a moment to leave. `closed` is told at once. */
  close(reason: string): void {
    this.#end(reason, { linger: true });
  }

  /** Tells the dialler, after the handshake, that it is no member any more. */
  tellRemoved(): void {
    this.writer.add(ownKind.removed, [], 0);
    this.close("it was removed from the cluster");
  }

  /** Ends the connection at once, for those that have proved nothing. */
  abort(reason: string): void {
    this.#end(reason);
  }

  /**
   * One beat of the network's only timer. Counting beats, not time, makes a stall of this process
   * one beat long. The acceptor answers as long as bytes arrive, so a large frame on a slow line
   * keeps its connection alive, and one whose output is stuck does not.
   */
  tick(): void {
    if (this.#state !== "ready") return;
    if (this.#heard) {
      this.#silentTicks = 0;
      if (this.#side.role === "acceptor") this.#pong();
    } else {
      this.#silentTicks += 1;
    }
    this.#heard = false;
    if (this.#silentTicks > this.#limits.silentPingsMax) {
      this.#end("the peer is silent");
    } else if (this.#side.role === "dialler") {
      this.writer.add(ownKind.ping, [], 0);
    }
  }

  #pong(): void {
    if (this.writer.queuedBytes > unreadPongBytesMax) this.#end("the peer reads no answers");
    else this.writer.add(ownKind.pong, [], 0);
  }

  #read(chunk: Buffer): void {
    if (this.#state === "closed") return;
    this.#heard = true;
    if (this.#state === "handshake") {
      this.#handshakeBytes += chunk.length;
      if (this.#handshakeBytes > this.#limits.handshakeBytesMax) {
        this.#end("not a peer: too much before the handshake", { refused: true });
        return;
      }
    }
    const fault = this.#decoder.push(chunk);
    if (fault === null) return;
    const handshake = this.#state === "handshake";
    this.#end(handshake ? `not a peer: ${fault}` : fault, { refused: handshake });
  }

  #receive(kind: number, body: Buffer): void {
    if (this.#state === "handshake") {
      this.#handshake(kind, body);
    } else if (this.#side.role === "acceptor" && kind < ownKindMin) {
      this.#events.frame(kind, body);
    } else if (this.#side.role === "dialler" && kind === ownKind.removed) {
      this.#events.removed();
    } else if (kind !== (this.#side.role === "acceptor" ? ownKind.ping : ownKind.pong)) {
      this.#end(`an unexpected frame of kind ${kind}`);
    }
  }

  #handshake(kind: number, body: Buffer): void {
    const step = this.#side.handshake.receive(kind, body);
    if (step.send !== null) this.#socket.write(step.send);
    if (step.state === "continue") return;
    if (step.state === "refused") {
      const reason = step.told ? `refused by the peer: ${step.reason}` : step.reason;
      this.#end(reason, { refused: true, linger: true });
      return;
    }
    this.#stopHandshakeTimer();
    this.#state = "ready";
    // The dialled side only ever receives pongs: it keeps the small limit.
    if (this.#side.role === "acceptor") this.#decoder.lengthMax = this.#limits.frameBytesMax + 1;
    this.#events.ready(step.peer, step.incarnation);
  }

  #stopHandshakeTimer(): void {
    if (this.#handshakeTimer !== null) clearTimeout(this.#handshakeTimer);
    this.#handshakeTimer = null;
  }

  #end(
    reason: string,
    end: { code?: string | null; refused?: boolean; linger?: boolean } = {},
  ): void {
    if (this.#state === "closed") return;
    if (end.linger === true) this.writer.flush();
    this.#state = "closed";
    this.#stopHandshakeTimer();
    if (end.linger === true && !this.#socket.destroyed) {
      const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
      this.#socket.once("close", () => clearTimeout(timer));
      this.#socket.destroySoon();
    } else {
      this.#socket.destroy();
    }
    this.#events.closed({ reason, code: end.code ?? null, refused: end.refused ?? false });
  }
}
