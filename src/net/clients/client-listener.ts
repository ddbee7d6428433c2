// Accepts clients: protected mode, maxclients, time-outs, CLIENT PAUSE, orderly close.

import { type AddressInfo, createServer, type Socket, type Server as SocketServer } from "node:net";
import {
  authenticationMs,
  halfRequestBytesPerSecond,
  halfRequestMs,
  inlineBytesMax,
  lingerMs,
  outputPieceBytes,
  requestWordsMax,
  smallReplyBytes,
  unreadRepliesMs,
} from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { Command } from "../../state/commands/spec.ts";
import { codeOf } from "../../system-error.ts";
import { type BindAddress, isLoopback } from "../endpoint.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { InputTotal } from "./input-total.ts";
import { ReplyTotal } from "./reply-total.ts";
import { mayWrite, type SessionHost } from "./session.ts";

/** Limits and switches of clients, read anew whenever they are needed (CONFIG SET). */
export interface ClientLimits {
  readonly maxClients: number;
  readonly bulkBytes: number;
  readonly requestBytes: number;
  /** Seconds; 0: never. */
  readonly idleSeconds: number;
  /** Seconds; 0: off. */
  readonly keepAliveSeconds: number;
  readonly requiresPassword: boolean;
  readonly protectedMode: boolean;
}

export interface ClientListenerOptions {
  readonly limits: () => ClientLimits;
  readonly sessions: SessionHost;
  /** Asks for a `flush` soon. */
  readonly wake: () => void;
  readonly logger: Logger;
  /** Smaller ones in tests. */
  readonly replies?: ReplyTotal;
  readonly input?: InputTotal;
}

/** As in Redis (redis.conf `tcp-backlog`). */
const backlog = 511;

/** What a client has to do before its time is over. */
type Duty = "authenticate" | "finish its request" | "read its replies" | "close its side";

const patienceMs: Readonly<Record<Duty, number>> = {
  authenticate: authenticationMs,
  "finish its request": halfRequestMs,
  "read its replies": unreadRepliesMs,
  "close its side": lingerMs,
};

/** Since when a client has had a duty. */
interface Debt {
  readonly duty: Duty;
  /** Where in the client's bytes the unfinished request begins, or its next reply: tells one duty from the next. */
  readonly place: number;
  readonly sinceMs: number;
}

const deniedText =
  "-DENIED kvorum is running in protected mode because protected mode is enabled and no password is set for the default user. " +
  "In this mode connections are only accepted from the loopback interface. To connect from elsewhere, set a password (requirepass) " +
  "or, on a network that you trust, start the server with --protected-mode no.\r\n";

export class ClientListener implements ConnectionHost {
  readonly sessions: SessionHost;
  readonly replies: ReplyTotal;
  readonly input: InputTotal;
  readonly #options: ClientListenerOptions;
  readonly #servers: SocketServer[] = [];
  readonly #connections = new Map<number, Connection>();
  readonly #debts = new Map<Connection, Debt>();
  #touched: Connection[] = [];
  /** Connections with more than a piece to write whose sockets take more of it. */
  readonly #withMore = new Set<Connection>();
  #lastId = 0;
  #pause: { untilMs: number; mode: "all" | "write" } = { untilMs: 0, mode: "all" };
  #pauseHasEnded = false;
  #isClosing = false;
  /** The last connection has ended. Called while this listener closes. */
  #emptied = (): void => {};

  constructor(options: ClientListenerOptions) {
    this.sessions = options.sessions;
    this.replies = options.replies ?? new ReplyTotal();
    this.input = options.input ?? new InputTotal();
    this.#options = options;
  }

  /** Resolves with the port when every address listens; rejects with what the system said. */
  async listen(addresses: readonly BindAddress[], port: number): Promise<number> {
    let chosen = port;
    for (const { host, optional } of addresses) {
      try {
        chosen = await this.#listenOn(host, chosen);
      } catch (error) {
        if (!optional || codeOf(error) === "EADDRINUSE") throw error;
      }
    }
    return chosen;
  }

  *connections(): IterableIterator<Connection> {
    yield* this.#connections.values();
  }
  get connectionCount(): number {
    return this.#connections.size;
  }
  connection(id: number): Connection | undefined {
    return this.#connections.get(id);
  }

  pause(untilMs: number, mode: "all" | "write"): void {
    const running = this.#pause.untilMs > this.sessions.nowMs();
    // As in Redis: a pause is never shortened or weakened by another one, only UNPAUSE ends it.
    this.#pause = {
      untilMs: running ? Math.max(untilMs, this.#pause.untilMs) : untilMs,
      mode: running && this.#pause.mode === "all" ? "all" : mode,
    };
  }

  unpause(): void {
    this.#pause = { untilMs: 0, mode: "all" };
    // Not at once: the session that asks is within its own pump, and would answer later requests before this one.
    this.#pauseHasEnded = true;
    this.#options.wake();
  }

  /** See SessionHost. */
  holds(command: Command): boolean {
    if (this.#pause.untilMs === 0 || this.#pause.untilMs <= this.sessions.nowMs()) return false;
    return this.#pause.mode === "all" ? command.name !== "unpause" : mayWrite(command);
  }

  hasMore(connection: Connection): void {
    this.#withMore.add(connection);
    this.#options.wake();
  }

  touched(connection: Connection): void {
    this.#touched.push(connection);
    this.#options.wake();
  }

  /** Writes what is answered so far, and begins nothing: an entry is being applied. */
  writeReplies(): void {
    for (const connection of this.#touched) connection.writeReplies();
  }

  /** The end of a turn: every session with replies writes once, and goes on with what waited. */
  flush(): void {
    if (this.#pauseHasEnded) {
      this.#pauseHasEnded = false;
      this.#advanceAll();
    }
    this.#writeMore();
    this.#reviewInput();
    if (this.replies.isOver) this.#dropLargest();
    while (this.#touched.length > 0) {
      const connections = this.#touched;
      this.#touched = [];
      for (const connection of connections) connection.flush();
    }
  }

  /** About one piece of long replies in each turn, of each connection in its turn, so that the event loop does not stand still. */
  #writeMore(): void {
    let bytes = 0;
    let left = this.#withMore.size; // Whoever comes to the end meanwhile waits for another turn.
    for (const connection of this.#withMore) {
      if (left-- === 0) break;
      this.#withMore.delete(connection);
      bytes += connection.writeMore();
      if (bytes >= outputPieceBytes) break;
    }
    if (this.#withMore.size > 0) this.#options.wake();
  }

  #reviewInput(): void {
    if (this.input.isHolding) {
      this.input.review(this.sessions.nowMs(), this.#connections.values());
    }
  }

  /** Replies to writes cannot wait: who has the most of all is closed, until there is room. */
  #dropLargest(): void {
    const connections = [...this.#connections.values()];
    connections.sort((a, b) => b.outputBytes - a.outputBytes);
    for (const connection of connections) {
      if (!this.replies.isOver) return;
      connection.drop("the replies of all clients are too many, and it has the most of them");
    }
  }

  /** Some ten times a second: clients that are idle or slow, the end of a pause, room in the queues. */
  sweep(): void {
    const nowMs = this.sessions.nowMs();
    this.#reviewInput();
    for (const connection of this.#connections.values()) {
      if (this.#isIdle(connection, nowMs) || this.#isOverdue(connection, nowMs)) {
        connection.destroy();
      } else if (connection.isStalled) connection.advance();
    }
  }

  ended(connection: Connection): void {
    this.#connections.delete(connection.session.id);
    this.#debts.delete(connection);
    this.#withMore.delete(connection);
    this.input.forget(connection);
    this.#options.wake(); // There is room for the reads of others, perhaps.
    if (this.#connections.size === 0) this.#emptied();
  }

  dropped(connection: Connection, why: string): void {
    this.#options.logger.warn({ client: connection.address }, `closed a client: ${why}`);
  }

  /** No new clients; those that wait for replies get them; whoever is left after `graceMs` is cut. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const { session } of this.#connections.values()) {
      if (session.isIdle) session.closeAfterReply();
    }
    this.flush();
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
      if (this.#connections.size === 0) resolve();
    });
    const cut = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.destroy();
    }, graceMs);
    await Promise.all([...closed, emptied]);
    clearTimeout(cut);
  }

  #isIdle({ session }: Connection, nowMs: number): boolean {
    const { idleSeconds } = this.#options.limits();
    const idleMs = nowMs - session.lastInteractionMs;
    return idleSeconds > 0 && session.isIdle && idleMs > idleSeconds * 1000;
  }

  /** The time for a duty runs from when it began; bytes that trickle in do not prolong it. */
  #isOverdue(connection: Connection, nowMs: number): boolean {
    const duty = dutyOf(connection);
    if (duty === null) {
      this.#debts.delete(connection);
      return false;
    }
    const { session, decoder } = connection;
    const isHalf = duty === "finish its request";
    const half = isHalf ? session.totalInputBytes - decoder.bufferedBytes : 0;
    const place = duty === "read its replies" ? session.totalOutputBytes : half;
    const debt = this.#debts.get(connection);
    if (debt === undefined || debt.duty !== duty || debt.place !== place) {
      this.#debts.set(connection, { duty, place, sinceMs: nowMs });
      return false;
    }
    const extraMs = isHalf ? (1000 * decoder.bufferedBytes) / halfRequestBytesPerSecond : 0;
    if (nowMs - debt.sinceMs <= patienceMs[duty] + extraMs) return false;
    const client = connection.address;
    this.#options.logger.debug({ client }, `closed a client: it did not ${duty} in time`);
    return true;
  }

  #advanceAll(): void {
    for (const connection of this.#connections.values()) {
      if (connection.isStalled) connection.advance();
    }
  }

  #listenOn(host: string, port: number): Promise<number> {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, backlog }, () => {
        server.off("error", reject);
        server.on("error", (error) =>
          this.#options.logger.error(error, "accepting clients failed"),
        );
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  #accept(socket: Socket): void {
    const limits = this.#options.limits();
    const { stats } = this.sessions;
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    stats.connectionsReceived++;
    const refusal = this.#refusal(socket, limits);
    if (refusal !== null) {
      stats.connectionsRejected++;
      socket.on("error", () => socket.destroy());
      // What the client has sent meanwhile is read: a reset in answer to it could overtake the refusal.
      socket.resume();
      socket.end(refusal, "latin1");
      // As in Redis: whoever is refused must not hold a descriptor by leaving its own side open.
      socket.destroySoon();
      return;
    }
    if (limits.keepAliveSeconds > 0) socket.setKeepAlive(true, limits.keepAliveSeconds * 1000);
    const id = ++this.#lastId;
    const { bulkBytes, requestBytes } = limits;
    const connection = new Connection(socket, id, this, {
      bulkBytes,
      requestBytes,
      words: requestWordsMax,
      inlineBytes: inlineBytesMax,
      authenticated: !limits.requiresPassword,
    });
    this.#connections.set(id, connection);
  }

  #refusal(socket: Socket, limits: ClientLimits): string | null {
    if (this.#connections.size >= limits.maxClients) {
      return "-ERR max number of clients reached\r\n";
    }
    const isOpen = limits.requiresPassword || !limits.protectedMode;
    return isOpen || isLoopback(socket.remoteAddress ?? "") ? null : deniedText;
  }
}

/** Null for a client that has no duty, or that waits for this node itself. */
function dutyOf(connection: Connection): Duty | null {
  const { session, decoder, outputBytes, isStalled, isCrowded } = connection;
  if (isCrowded && outputBytes > smallReplyBytes) return "read its replies";
  if (session.isClosing) return outputBytes === 0 ? "close its side" : null;
  if (isStalled || !session.isIdle) return null;
  if (!session.authenticated) return "authenticate";
  return decoder.bufferedBytes > 0 ? "finish its request" : null;
}
