// A raw TCP client of the Redis protocol: sends bytes, pipelines, and hands replies back byte for byte.

import { connect, type Socket } from "node:net";
import { preview, replyEnd } from "./raw-replies.ts";

const defaultTimeoutMs = 10_000;

/** Words as binary strings, one char per byte. */
export type Words = readonly string[];

/** One request as clients send it: an array of bulk strings. */
export function encodeRequest(words: Words): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return text;
}

interface Waiter {
  readonly done: (received: Buffer) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class RawClient {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #waiter: Waiter | null = null;
  #ended = false;
  #markers = 0;
  /** Settles when the server has closed, or reset, the connection. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      const finish = () => {
        this.#ended = true;
        resolve();
        this.#wake();
      };
      socket.once("end", finish);
      socket.once("close", finish);
    });
    socket.on("error", () => socket.destroy()); // A reset is one way to be closed.
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
  }

  static connect(port: number, host = "127.0.0.1"): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  get isClosed(): boolean {
    return this.#ended;
  }

  /** Everything received and not yet taken. */
  get received(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  /** Raw bytes, as a binary string or a buffer. */
  write(bytes: string | Buffer): void {
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  send(...requests: readonly Words[]): void {
    let text = "";
    for (const words of requests) text += encodeRequest(words);
    this.write(text);
  }

  /** One request, one raw reply. */
  async command(...words: Words): Promise<Buffer> {
    this.send(words);
    const [reply] = await this.replies(1);
    if (reply === undefined) throw new Error(`no reply to ${words.join(" ")}: connection closed`);
    return reply;
  }

  /** The same as a binary string. */
  async ask(...words: Words): Promise<string> {
    return (await this.command(...words)).toString("latin1");
  }

  /** The next `count` replies, fewer only when the server closes first. */
  async replies(count: number, timeoutMs = defaultTimeoutMs): Promise<Buffer[]> {
    const ends: number[] = [];
    let at = 0;
    const scan = (received: Buffer): boolean => {
      while (ends.length < count && at < received.length) {
        const end = replyEnd(received, at);
        if (end < 0) break;
        ends.push(end);
        at = end;
      }
      return ends.length >= count;
    };
    await this.#until(scan, timeoutMs, `${count} replies`);
    const bytes = this.#take(at);
    let start = 0;
    return ends.map((end) => {
      const reply = bytes.subarray(start, end);
      start = end;
      return reply;
    });
  }

  /**
   * Sends bytes and takes everything up to the reply of a marker sent behind them; the marker's reply
   * is cut off. Fewer bytes than expected mean that the server closed.
   */
  async batch(bytes: string, timeoutMs = defaultTimeoutMs): Promise<Buffer> {
    const marker = `marker-${++this.#markers}-of-batch`;
    const reply = Buffer.from(`$${marker.length}\r\n${marker}\r\n`);
    this.write(`${bytes}${encodeRequest(["PING", marker])}`);
    const done = (received: Buffer) =>
      received.length >= reply.length &&
      received.subarray(received.length - reply.length).equals(reply);
    await this.#until(done, timeoutMs, "the reply to the marker of a batch");
    const all = this.#take(this.received.length);
    return done(all) ? all.subarray(0, all.length - reply.length) : all;
  }

  /** Whatever arrives until nothing came for `quietMs`, or the server closed. */
  async drain(quietMs: number): Promise<Buffer> {
    let length = -1;
    while (!this.#ended && length !== this.received.length) {
      length = this.received.length;
      await Promise.race([this.closed, new Promise((resolve) => setTimeout(resolve, quietMs))]);
    }
    return this.#take(this.received.length);
  }

  /** Half-close: no more requests, replies still come. */
  end(): void {
    this.#socket.end();
  }

  /** Closes with a TCP reset: the server sees ECONNRESET. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(length: number): Buffer {
    const all = this.received;
    this.#chunks = length < all.length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }

  #wake(): void {
    const waiter = this.#waiter;
    if (waiter === null) return;
    try {
      if (!this.#ended && !waiter.done(this.received)) return;
      if (this.#ended) waiter.done(this.received);
      waiter.resolve();
    } catch (error) {
      waiter.reject(error as Error);
    }
  }

  async #until(done: (received: Buffer) => boolean, timeoutMs: number, what: string) {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const late = () =>
          reject(
            new Error(`no ${what} within ${timeoutMs} ms; received ${preview(this.received)}`),
          );
        timer = setTimeout(late, timeoutMs);
        this.#waiter = { done, resolve, reject };
        this.#wake();
      });
    } finally {
      clearTimeout(timer);
      this.#waiter = null;
    }
  }
}
