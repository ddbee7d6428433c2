// The listener for clients of a node without data: sockets are real, time and timers are the test's.

import { setImmediate } from "node:timers/promises";
import { onTestFinished, vi } from "vitest";
import { createLogger } from "../../src/logger.ts";
import {
  type ClientLimits,
  ClientListener,
  type ClientListenerOptions,
} from "../../src/net/clients/client-listener.ts";
import { NodeStats } from "../../src/net/clients/stats.ts";
import { CommandFinder } from "../../src/state/commands/lookup.ts";
import { RawClient } from "./raw-client.ts";
import { FakeServer } from "./session-context.ts";
import { sessionTable } from "./session-run.ts";

const MiB = 1024 * 1024;

/** A node whose timers ring when the test says so. */
class PatientServer extends FakeServer {
  readonly sleepers: { readonly ms: number; readonly wake: () => void }[] = [];

  override sleep(ms = 0): Promise<void> {
    return new Promise((wake) => this.sleepers.push({ ms, wake }));
  }
}

type Totals = Pick<ClientListenerOptions, "input" | "replies">;

/** The listener of a node without data, on a clock of its own; sockets are real. */
export class Door {
  readonly server = new PatientServer();
  readonly listener: ClientListener;
  #nowMs = 0;
  readonly #port: Promise<number>;

  constructor(limits: Partial<ClientLimits> = {}, totals: Totals = {}) {
    this.listener = new ClientListener({
      ...totals,
      limits: () => ({ ...openLimits, ...limits }),
      sessions: {
        commands: sessionTable,
        finder: new CommandFinder(sessionTable),
        server: this.server,
        stats: new NodeStats({ expiredKeys: 0, evictedKeys: 0, hits: 0, misses: 0 }),
        isFull: false,
        refusesWrite: () => null,
        write: vi.fn(),
        read: vi.fn(),
        holds: (command) => this.listener.holds(command),
        nowMs: () => this.#nowMs,
      },
      wake: () => void setImmediate().then(() => this.listener.flush()),
      logger: createLogger("silent"),
    });
    if (limits.requiresPassword === true) this.server.config.values.set("requirepass", "sesame");
    this.#port = this.listener.listen([{ host: "127.0.0.1", optional: false }], 0);
    onTestFinished(() => this.listener.close(0));
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.connect(await this.#port);
    onTestFinished(() => client.close());
    return client;
  }

  clients(count: number): Promise<RawClient[]> {
    return Promise.all(Array.from({ length: count }, () => this.client()));
  }

  /** Every client sends the bytes; resolves when they have all been seen. */
  async send(clients: readonly RawClient[], bytes: string): Promise<void> {
    const before = this.#inputBytes;
    for (const client of clients) client.write(bytes);
    await vi.waitUntil(() => this.#inputBytes === before + clients.length * bytes.length);
  }

  /** Time passes, with a look at all clients before and after. */
  async pass(ms: number): Promise<void> {
    this.listener.sweep();
    this.#nowMs += ms;
    this.listener.sweep();
    // A socket that was destroyed says so in the same turn of the event loop.
    for (let turn = 0; turn < 2; turn++) await setImmediate();
  }

  /** Sockets get their turn. */
  turn(): Promise<void> {
    return setImmediate();
  }

  get #inputBytes(): number {
    let sum = 0;
    for (const { session } of this.listener.connections()) sum += session.totalInputBytes;
    return sum;
  }
}

const openLimits: ClientLimits = {
  maxClients: 1_000,
  bulkBytes: 64 * MiB,
  requestBytes: 64 * MiB,
  idleSeconds: 0,
  keepAliveSeconds: 0,
  requiresPassword: false,
  protectedMode: true,
};
