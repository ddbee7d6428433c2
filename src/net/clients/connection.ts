// One client's socket: bytes in to the decoder, replies out in one write a turn, pressure both ways.

import type { Socket } from "node:net";
import {
  inputPauseBytes,
  outputBytesMax,
  outputPauseBytes,
  smallReplyBytes,
  unauthenticatedInputBytesMax,
  unauthenticatedOutputBytesMax,
} from "../../constants.ts";
import { ReplyBuffer } from "../../resp/encode-reply.ts";
import type { Protocol, Reply } from "../../resp/reply.ts";
import { RequestDecoder } from "../../resp/request-decoder.ts";
import type { RequestLimits } from "../../resp/request-limits.ts";
import { formatEndpoint } from "../endpoint.ts";
import { descriptorOf, readShared } from "./client-socket.ts";
import type { InputSource, InputTotal } from "./input-total.ts";
import type { ReplyTotal } from "./reply-total.ts";
import { Session, type SessionHost, type Wire } from "./session.ts";

/** What a connection needs of the server that accepted it. */
export interface ConnectionHost {
  readonly sessions: SessionHost;
  readonly replies: ReplyTotal;
  readonly input: InputTotal;
  /** Calls `flush` of the connection at the end of this turn. */
  touched(connection: Connection): void;
  /** Calls `writeMore` of the connection in a turn that has time for it. */
  hasMore(connection: Connection): void;
  /** The socket is gone. */
  ended(connection: Connection): void;
  /** Closed by us, and why: one line in the log. */
  dropped(connection: Connection, why: string): void;
}

export class Connection implements Wire, InputSource {
  readonly session: Session;
  readonly decoder: RequestDecoder;
  readonly address: string;
  readonly localAddress: string;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #output = new ReplyBuffer();
  /** Bytes of this connection within the totals: what the socket has sent meanwhile is noticed when more is written. */
  #counted = 0;
  #countedInput = 0;
  #flushAsked = false;
  #paused = false;
  #inputEnded = false;
  #isHungry = true;
  /** As the socket's flag, which costs more to ask for. */
  #isDestroyed = false;

  /** `accepted` is a paused socket, which this connection owns from now on. */
  constructor(accepted: Socket, id: number, host: ConnectionHost, limits: RequestLimits) {
    this.#host = host;
    this.decoder = new RequestDecoder(limits);
    const socket = readShared(accepted, (bytes) => this.#data(bytes));
    this.#socket = socket;
    this.address = endpoint(socket.remoteAddress, socket.remotePort);
    this.localAddress = endpoint(socket.localAddress, socket.localPort);
    this.session = new Session(id, host.sessions, this, limits.authenticated);
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#end());
    socket.on("error", () => this.destroy());
    socket.on("close", () => this.#close());
  }

  get fd(): number {
    return descriptorOf(this.#socket);
  }
  get outputBytes(): number {
    return this.#output.length + this.#socket.writableLength;
  }
  get isOutputFull(): boolean {
    const most = this.isCrowded ? smallReplyBytes : outputPauseBytes;
    if (this.#counted <= most) return false;
    this.#count(this.outputBytes);
    return this.#counted > most;
  }
  get inputBytes(): number {
    return this.decoder.memoryBytes;
  }
  get takenBytes(): number {
    return this.session.totalInputBytes - this.decoder.bufferedBytes;
  }
  get isCrowded(): boolean {
    return this.#host.replies.isCrowded;
  }
  /** Some request waits for something else than bytes. */
  get isStalled(): boolean {
    return !this.#isHungry;
  }

  append(reply: Reply, protocol: Protocol): void {
    if (this.#isDestroyed) return;
    const before = this.#output.length;
    this.#output.append(reply, protocol);
    this.#count(this.#counted + this.#output.length - before);
  }

  #count(bytes: number): void {
    this.#host.replies.add(bytes - this.#counted);
    this.#counted = bytes;
  }

  #countInput(bytes: number): void {
    this.#host.input.add(bytes - this.#countedInput);
    this.#countedInput = bytes;
  }

  flushSoon(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    this.#host.touched(this);
  }

  /** One socket write for what was answered in this turn; then on to what waited. */
  flush(): void {
    this.#flushAsked = false;
    this.writeMore();
  }

  /** The next piece; the rest follows in other turns, when the socket takes more. Returns its bytes. */
  writeMore(): number {
    if (this.#socket.destroyed) return 0;
    const before = this.session.totalOutputBytes;
    this.writeReplies();
    if (!this.#output.isEmpty) {
      if (!this.#socket.writableNeedDrain) this.#host.hasMore(this);
    }
    this.#goOn();
    return this.session.totalOutputBytes - before;
  }

  #drained(): void {
    this.#count(this.outputBytes);
    // Written in a turn of its own: a client that reads as fast as it is written to would keep all others waiting.
    if (!this.#output.isEmpty) this.#host.hasMore(this);
    else {
      this.#goOn();
      // Its reads may have waited for this.
      if (!this.session.isIdle) this.flushSoon();
    }
  }

  #goOn(): void {
    if (this.session.isClosing) {
      if (this.session.isIdle && this.#output.isEmpty) this.#socket.end();
    } else if (this.isStalled || this.#inputEnded) this.#advance();
  }

  /** Requests that had to wait may run now, perhaps. */
  advance(): void {
    this.#advance();
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#socket.destroy();
    this.#count(0);
    this.#countInput(0);
    this.#host.input.forget(this);
  }

  /** The bytes change after this: see `readShared`. */
  #data(chunk: Buffer): void {
    const { session } = this;
    // A closing session answers nothing more, so bytes that still arrive are not kept.
    if (session.isClosing) return;
    const { sessions } = this.#host;
    session.lastInteractionMs = sessions.nowMs();
    session.totalInputBytes += chunk.length;
    sessions.stats.inputBytes += chunk.length;
    this.decoder.push(chunk);
    this.#advance();
  }

  #advance(): void {
    this.#isHungry = this.session.pump();
    this.decoder.release();
    if (this.#socket.destroyed) return;
    this.#countInput(this.inputBytes);
    this.readAgain();
    if (this.#isHungry && this.#inputEnded && this.session.isIdle) this.session.closeAfterReply();
  }

  /** Reads from the socket or does not: requests may wait, or the input of all clients may be too much. */
  readAgain(): void {
    const { authenticated } = this.session;
    const most = authenticated ? inputPauseBytes : unauthenticatedInputBytesMax;
    const hasMuch = this.#paused || this.decoder.bufferedBytes > most;
    const waits = (this.isStalled && hasMuch) || !this.#host.input.mayRead(this);
    if (waits === this.#paused) return;
    this.#paused = waits;
    if (waits) this.#socket.pause();
    else this.#socket.resume();
  }

  /** A piece in one socket write, unless the socket is full. Begins nothing else. */
  writeReplies(): void {
    if (this.#output.isEmpty || this.#socket.destroyed) return;
    if (!this.#socket.writableNeedDrain) this.#writePiece();
    const bytes = this.outputBytes;
    this.#count(bytes);
    const limit = this.session.authenticated ? outputBytesMax : unauthenticatedOutputBytesMax;
    if (bytes > limit) this.drop("it does not read its replies");
  }

  #writePiece(): void {
    const piece = this.#output.take();
    this.session.totalOutputBytes += piece.length;
    this.#host.sessions.stats.outputBytes += piece.length;
    this.#socket.write(piece, "latin1");
  }

  drop(why: string): void {
    this.#host.dropped(this, why);
    this.destroy();
  }

  /** The client closed its sending half: what it sent is still answered. */
  #end(): void {
    this.#inputEnded = true;
    if (this.session.isIdle && this.#isHungry) this.session.closeAfterReply();
  }

  #close(): void {
    this.#isDestroyed = true;
    this.#count(0);
    this.#countInput(0);
    this.session.closed();
    this.#host.ended(this);
  }
}

/** A socket that is already closed has no addresses. */
function endpoint(host: string | undefined, port: number | undefined): string {
  return formatEndpoint({ host: host ?? "?", port: port ?? 0 });
}
