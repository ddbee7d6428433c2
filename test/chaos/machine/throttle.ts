// Peer links that carry so many bytes a second: nodes announce a host where proxies listen in front of their peer ports.

import { connect, createServer, type Server, type Socket } from "node:net";
import { undoAtExit } from "./cleanup.ts";
import { type Address, loopback, type Network, peerPortOf } from "./network.ts";

/** Nodes listen on 127.0.0.1; their peers are told this host. All of 127.0.0.0/8 is the loopback device. */
export const linkHost = "127.0.1.1";
/** A pause shorter than this is not worth a timer. */
const pauseMsMin = 2;

/** On one machine without namespaces; each connection has the rate for itself, in each direction. */
export class ThrottledNetwork implements Network {
  readonly addresses: readonly Address[];
  readonly #inner: Network;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #undo: () => void;
  #bytesPerMs = Number.POSITIVE_INFINITY;

  private constructor(inner: Network) {
    this.#inner = inner;
    this.addresses = inner.addresses;
    this.#undo = undoAtExit(() => {
      for (const server of this.#servers) server.close();
      for (const socket of this.#sockets) socket.destroy();
      inner.dispose();
    });
  }

  static async open(size: number): Promise<ThrottledNetwork> {
    const network = new ThrottledNetwork(await loopback(size));
    for (const address of network.addresses) await network.#listen(peerPortOf(address));
    return network;
  }

  /** Of every link from now on; null lifts the limit. */
  throttle(bytesPerSecond: number | null): void {
    this.#bytesPerMs = bytesPerSecond === null ? Number.POSITIVE_INFINITY : bytesPerSecond / 1_000;
  }

  announce(): string {
    return linkHost;
  }

  wrapper(slot: number): readonly string[] {
    return this.#inner.wrapper(slot);
  }

  cut(from: number, to: number): Promise<void> {
    return this.#inner.cut(from, to);
  }

  mend(from: number, to: number): Promise<void> {
    return this.#inner.mend(from, to);
  }

  limit(slot: number, kilobitsPerSecond: number | null): Promise<void> {
    return this.#inner.limit(slot, kilobitsPerSecond);
  }

  dispose(): void {
    this.#undo();
  }

  #listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (outer) => {
      const inner = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
      this.#pump(outer, inner);
      this.#pump(inner, outer);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, linkHost, resolve);
    });
  }

  #pump(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    let busyUntil = 0;
    from.on("data", (chunk: Buffer) => {
      const now = performance.now();
      busyUntil = Math.max(busyUntil, now) + chunk.length / this.#bytesPerMs;
      const isTaken = to.write(chunk);
      const pauseMs = busyUntil - now;
      if (isTaken && pauseMs < pauseMsMin) return;
      from.pause();
      const goOn = (): void => void setTimeout(() => from.resume(), Math.max(0, pauseMs));
      if (isTaken) goOn();
      else to.once("drain", goOn);
    });
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
