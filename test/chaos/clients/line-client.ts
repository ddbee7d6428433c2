// A client that counts: it sends bytes as fast as they are taken, and every line that comes back is a reply.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodeRequest, type Words } from "../../support/raw-client.ts";
import { pause } from "../cluster/until.ts";
import type { Address } from "../machine/network.ts";

const lookMs = 5;
const [newline, minus] = [0x0a, 0x2d];

export class LineClient {
  /** Replies so far, errors among them. */
  replies = 0;
  /** The first words of the errors. */
  readonly errors: string[] = [];
  isClosed = false;
  readonly #socket: Socket;
  #isAtLineStart = true;
  #takesMore: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#count(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("drain", () => this.#takesMore());
    socket.on("close", () => {
      this.isClosed = true;
      this.#takesMore();
    });
  }

  static async connect({ host, port }: Address): Promise<LineClient> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, "connect");
    return new LineClient(socket);
  }

  /** Only commands whose reply is one line. Resolves when the socket takes more. */
  async send(words: Words): Promise<void> {
    await this.sendBytes(Buffer.from(encodeRequest(words), "latin1"));
  }

  async sendBytes(bytes: Buffer): Promise<void> {
    if (this.isClosed || this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#takesMore = resolve;
    });
  }

  /** Whether so many replies are there within this time. */
  async hasReplies(count: number, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.replies < count && !this.isClosed && performance.now() < deadline) {
      await pause(lookMs);
    }
    return this.replies >= count;
  }

  close(): void {
    this.#socket.destroy();
  }

  #count(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(newline, at);
      if (this.#isAtLineStart && chunk[at] === minus) {
        const text = chunk.toString("latin1", at + 1, end < 0 ? chunk.length : end);
        this.errors.push(text.split(" ")[0] ?? "");
      }
      this.#isAtLineStart = end >= 0;
      if (end < 0) return;
      this.replies += 1;
      at = end + 1;
    }
  }
}
