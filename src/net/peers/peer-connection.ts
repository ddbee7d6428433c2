// One socket between two peers: the handshake, then frames in one direction and signs of life in the other.

import type { Socket } from "node:net";
import { readU53, writeU53 } from "../../bytes.ts";
import { peerUnreadBytesMax, peerWindowShare } from "../../constants.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { codeOf, describeError } from "../../system-error.ts";
import { BulkQueue } from "./bulk-queue.ts";
import { FrameAssembly } from "./frame-assembly.ts";
import type { AcceptorHandshake, DiallerHandshake } from "./handshake.ts";
import { formerHelloReason, isFormerHello, ownKind } from "./handshake-codec.ts";
import type { PeerLimits } from "./peer-options.ts";
import { headBytes, isBulk, ownKindMin, PieceDecoder, wholeFlags } from "./piece.ts";
import { PieceWriter } from "./piece-writer.ts";

/** The kernel probes the connection this often, also while one of the processes is stopped. */
const keepAliveMs = 5_000;
/** How long a closing connection may go on sending what was written before. */
const lingerMs = 300;

const empty = Buffer.alloc(0);
/** Length of the body of a `taken` frame: one u53. */
const takenBytes = 8;

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
  /** One of the two sides refused the handshake. */
  readonly refused: boolean;
  /** The other side has tried to prove a secret that is not ours. */
  readonly wrongProof: boolean;
}

export type Side =
  | { readonly role: "dialler"; readonly handshake: DiallerHandshake }
  | { readonly role: "acceptor"; readonly handshake: AcceptorHandshake };

/**
 * Frames flow from the dialler to the acceptor. The acceptor sends back only pongs, how much bulk it has taken, and
 * that the dialler was removed from the cluster.
 */
export class PeerConnection {
  readonly #socket: Socket;
  readonly #side: Side;
  readonly #limits: PeerLimits;
  readonly #events: ConnectionEvents;
  readonly #decoder: PieceDecoder;
  readonly #writer: PieceWriter;
  /** The dialler's frames that wait for the window. */
  readonly #bulk: BulkQueue;
  /** The acceptor's unfinished frame. */
  readonly #assembly: FrameAssembly;
  /** Bytes of bulk pieces that the acceptor has taken, and the number that it told the dialler last. */
  #taken = 0;
  #told = 0;
  /** The first bytes of the connection; a peer of version 1 is recognised by them. */
  #start = Buffer.alloc(0);
  #hasGreeted = false;
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
    this.#writer = new PieceWriter(socket);
    this.#bulk = new BulkQueue(this.#writer, limits);
    this.#assembly = new FrameAssembly(limits);
    this.#decoder = new PieceDecoder(limits.handshakeBytesMax, (kind, flags, body) => {
      this.#receive(kind, flags, body);
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

  /** Whether the other side has begun the handshake as only a peer of this cluster can. */
  get hasGreeted(): boolean {
    return this.#hasGreeted;
  }

  /**
   * False when too many bytes wait for the operating system. At most a window of them is bulk, and the limit leaves
   * room for that, so urgent frames are never dropped because of bulk.
   */
  sendUrgent(kind: number, parts: readonly Uint8Array[], bytes: number, summed: number): boolean {
    const { windowBytes, urgentQueueBytesMax } = this.#limits;
    const queued = this.#writer.queuedBytes;
    if (queued + headBytes + bytes > windowBytes + urgentQueueBytesMax) return false;
    this.#writer.addWhole(kind, parts, bytes, summed);
    return true;
  }

  /** False when the queue is full. */
  sendBulk(kind: number, parts: readonly Uint8Array[], bytes: number, summed: number): boolean {
    return this.#bulk.add(kind, parts, bytes, summed);
  }

  /** What was sent in this turn leaves now. */
  flush(): void {
    this.#writer.flush();
  }

  /** Ends the connection; what was written has a moment to leave. `closed` is told at once. */
  close(reason: string): void {
    this.#end(reason, { linger: true });
  }

  /** Tells the dialler, after the handshake, that it is no member any more. */
  tellRemoved(): void {
    this.#writer.addWhole(ownKind.removed, [], 0, 0);
    this.close("it was removed from the cluster");
  }

  /** Ends the connection at once; for connections that have proved nothing. */
  abort(reason: string): void {
    this.#end(reason);
  }

  /**
   * One beat of the network's only timer. Beats are counted and not milliseconds, so a stall of this process counts
   * as one beat. The acceptor answers while bytes arrive, so a large frame on a slow line keeps its connection alive,
   * and a connection whose output is stuck is closed.
   */
  tick(): void {
    if (this.#state !== "ready") return;
    if (this.#heard) {
      this.#silentTicks = 0;
      if (this.#side.role === "acceptor") this.#answer(ownKind.pong, empty);
    } else {
      this.#silentTicks += 1;
    }
    this.#heard = false;
    if (this.#silentTicks > this.#limits.silentPingsMax) {
      this.#end("the peer is silent");
    } else if (this.#side.role === "dialler") {
      this.#writer.addWhole(ownKind.ping, [], 0, 0);
    }
  }

  #answer(kind: number, body: Buffer): void {
    if (this.#writer.queuedBytes > peerUnreadBytesMax) this.#end("the peer reads no answers");
    else this.#writer.addWhole(kind, [body], body.length, body.length);
  }

  #read(chunk: Buffer): void {
    if (this.#state === "closed") return;
    this.#heard = true;
    if (this.#state === "handshake" && !this.#isBearable(chunk)) return;
    const fault = this.#decoder.push(chunk);
    if (fault === null) {
      if (this.#state === "ready") this.#tellTaken();
      return;
    }
    const handshake = this.#state === "handshake";
    this.#end(handshake ? `not a peer: ${fault}` : fault, { refused: handshake });
  }

  /**
   * Whether what arrives before the end of the handshake is short enough and not from a peer of version 1; else ends
   * the connection.
   */
  #isBearable(chunk: Buffer): boolean {
    this.#handshakeBytes += chunk.length;
    if (this.#handshakeBytes > this.#limits.handshakeBytesMax) {
      this.#end("not a peer: too much before the handshake", { refused: true });
      return false;
    }
    if (this.#start.length < headBytes) {
      this.#start = Buffer.concat([this.#start, chunk.subarray(0, headBytes)]);
      if (isFormerHello(this.#start)) this.#end(formerHelloReason, { refused: true });
    }
    return this.#state !== "closed";
  }

  /**
   * Tells the dialler how much bulk was taken, whenever that is a share of the window more than it was told last. So
   * the window never stays closed: when everything has arrived, less than this share is untold, and a piece fits into
   * the rest. Hundreds of small frames share one such message.
   */
  #tellTaken(): void {
    if (this.#taken - this.#told < this.#limits.windowBytes * peerWindowShare) return;
    this.#told = this.#taken;
    const body = Buffer.allocUnsafe(takenBytes);
    writeU53(body, this.#taken, 0);
    this.#answer(ownKind.taken, body);
  }

  #receive(kind: number, flags: number, body: Buffer): void {
    if (this.#state === "ready" && this.#side.role === "acceptor" && kind < ownKindMin) {
      this.#piece(kind, flags, body);
    } else if (flags !== wholeFlags) {
      const refused = this.#state === "handshake";
      this.#end(`an unexpected piece of kind ${kind}`, { refused });
    } else if (this.#state === "handshake") this.#handshake(kind, body);
    else if (this.#side.role === "dialler") this.#answered(kind, body);
    else if (kind !== ownKind.ping) this.#end(`an unexpected frame of kind ${kind}`);
  }

  /** The acceptor has received a piece. */
  #piece(kind: number, flags: number, body: Buffer): void {
    const frame = this.#assembly.add(kind, flags, body);
    if (isBulk(kind)) this.#taken += headBytes + body.length;
    if (typeof frame === "string") this.#end(frame);
    else if (frame !== null) this.#events.frame(kind, frame);
  }

  /** The dialler has received an answer. */
  #answered(kind: number, body: Buffer): void {
    if (kind === ownKind.pong) return;
    if (kind === ownKind.removed) this.#events.removed();
    else if (kind !== ownKind.taken) this.#end(`an unexpected frame of kind ${kind}`);
    else if (body.length !== takenBytes || !this.#bulk.taken(readU53(body, 0))) {
      this.#end("the peer says that it has taken what was not sent");
    }
  }

  #handshake(kind: number, body: Buffer): void {
    const step = this.#side.handshake.receive(kind, body);
    if (step.send !== null) this.#socket.write(step.send);
    if (step.state === "continue") {
      this.#hasGreeted = true;
      return;
    }
    if (step.state === "refused") {
      const reason = step.told ? `refused by the peer: ${step.reason}` : step.reason;
      this.#end(reason, { refused: true, linger: true, wrongProof: step.wrongProof });
      return;
    }
    this.#stopHandshakeTimer();
    this.#state = "ready";
    // The dialled side only ever receives small answers: it keeps the small limit.
    if (this.#side.role === "acceptor") this.#decoder.bodyBytesMax = this.#limits.pieceBytesMax;
    this.#events.ready(step.peer, step.incarnation);
  }

  #stopHandshakeTimer(): void {
    if (this.#handshakeTimer !== null) clearTimeout(this.#handshakeTimer);
    this.#handshakeTimer = null;
  }

  #end(
    reason: string,
    end: Partial<Omit<ConnectionEnd, "reason">> & { readonly linger?: boolean } = {},
  ): void {
    if (this.#state === "closed") return;
    if (end.linger === true) this.#writer.flush();
    this.#state = "closed";
    this.#stopHandshakeTimer();
    if (end.linger === true && !this.#socket.destroyed) {
      const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
      this.#socket.once("close", () => clearTimeout(timer));
      this.#socket.destroySoon();
    } else {
      this.#socket.destroy();
    }
    const { code = null, refused = false, wrongProof = false } = end;
    this.#events.closed({ reason, code, refused, wrongProof });
  }
}
