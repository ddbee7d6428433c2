// What the peer tests share: networks on free ports that end with the test, raw sockets, awaited events.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import { createLogger } from "../../../src/logger.ts";
import { DiallerHandshake } from "../../../src/net/peers/handshake.ts";
import { PeerNetwork } from "../../../src/net/peers/peer-network.ts";
import type { PeerIdentity, PeerLimits } from "../../../src/net/peers/peer-options.ts";
import { PieceDecoder } from "../../../src/net/peers/piece.ts";
import { asNode, type NodeId } from "../../../src/raft/core/types.ts";

export const clusterId = "c0ffee";

export interface SeenFrame {
  readonly from: NodeId;
  readonly kind: number;
  readonly body: string;
}

/** A network that writes down what it is told. */
export class Recorded {
  readonly network: PeerNetwork;
  readonly frames: SeenFrame[] = [];
  readonly events: string[] = [];
  readonly lines: string[] = [];
  /** Peers that are members no more, as far as this one knows. */
  readonly removed = new Set<NodeId>();
  /** Called with every frame, before it is recorded. */
  onFrame: (frame: SeenFrame) => void = () => undefined;
  #waiters: (() => void)[] = [];

  constructor(identity: PeerIdentity, limits: Partial<PeerLimits> = {}, port = 0) {
    const note = (text: string) => {
      this.events.push(text);
      this.#wake();
    };
    const write = (line: string) => {
      this.lines.push((JSON.parse(line) as { msg: string }).msg);
      this.#wake();
    };
    this.network = new PeerNetwork({
      ...identity,
      bind: "127.0.0.1",
      port,
      logger: createLogger("debug", { write }),
      limits: { pingMs: 20, silentPingsMax: 1000, ...limits },
      hasRemoved: (peer) => this.removed.has(peer),
      handlers: {
        frame: (from, kind, body) => {
          const frame = { from, kind, body: body.toString("latin1") };
          this.onFrame(frame);
          this.frames.push(frame);
          this.#wake();
        },
        connected: (peer) => note(`connected ${peer}`),
        disconnected: (peer, refused) => {
          const event = `${refused ? "refused" : "disconnected"} ${peer}`;
          if (this.events.at(-1) !== event) note(event); // Told with every attempt.
        },
        removed: (by) => note(`removed, says ${by}`),
      },
    });
  }

  get address(): string {
    return `127.0.0.1:${this.network.port}`;
  }

  /** Resolves as soon as it holds; looks again after everything that happens. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }

  async saw(event: string): Promise<void> {
    await this.until(() => this.events.includes(event));
  }

  async logged(part: string): Promise<void> {
    await this.until(() => this.lines.some((line) => line.includes(part)));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

export function identity(id: number, secret: string | null = null): PeerIdentity {
  return { clusterId, nodeId: asNode(id), incarnation: 1, secret };
}

/** Listening; closed with the test. */
export async function started(
  who: PeerIdentity,
  limits: Partial<PeerLimits> = {},
  port = 0,
): Promise<Recorded> {
  const recorded = new Recorded(who, limits, port);
  await recorded.network.listen();
  onTestFinished(() => recorded.network.close());
  return recorded;
}

/** `localAddress`: any of 127.0.0.0/8, to come from another address. */
export async function rawSocket(port: number, localAddress = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, localAddress });
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Everything that the other side sends until it closes. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await closed(socket);
  return Buffer.concat(chunks);
}

/** However it ends: a reset is an end, too. */
export function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}

/** A raw socket that has gone through the handshake as node `who` at node `to`. */
export async function handshaken(port: number, who: PeerIdentity, to: number): Promise<Socket> {
  const socket = await rawSocket(port);
  await shakeHands(socket, who, to);
  return socket;
}

export async function shakeHands(socket: Socket, who: PeerIdentity, to: number): Promise<void> {
  const handshake = new DiallerHandshake(who, asNode(to));
  await new Promise<void>((resolve, reject) => {
    // Stops after the handshake: what comes then are signs of life.
    const decoder = new PieceDecoder(4096, (kind, _flags, body) => {
      const step = handshake.receive(kind, body);
      if (step.send !== null) socket.write(step.send);
      if (step.state === "done") resolve();
      if (step.state === "refused") reject(new Error(step.reason));
      return step.state === "continue";
    });
    socket.on("data", (chunk) => decoder.push(chunk));
    socket.on("close", () => reject(new Error("closed")));
    socket.write(handshake.start());
  });
}

/** A socket made of memory: every write of the operating system as one buffer, held back when it is told so. */
export function memorySocket() {
  const writes: Buffer[] = [];
  let isHeld = false;
  let held: (() => void) | null = null;
  const written = (done: () => void) => {
    if (isHeld) held = done;
    else done();
  };
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      writes.push(Buffer.from(chunk));
      written(done);
    },
    writev(chunks, done) {
      writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
      written(done);
    },
  });
  const hold = (on: boolean) => {
    isHeld = on;
    if (!on) held?.();
  };
  return { writes, socket: stream as Socket, hold };
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
