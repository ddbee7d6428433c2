// The clients of a node, from the beginning of its start: requests for data are refused until it has its state.

import { randomBytes } from "node:crypto";
import { assert } from "../assert.ts";
import { sweepMs } from "../constants.ts";
import type { Logger } from "../logger.ts";
import { ClientListener } from "../net/clients/client-listener.ts";
import type { SessionHost } from "../net/clients/session.ts";
import { NodeStats } from "../net/clients/stats.ts";
import { CommandFinder } from "../state/commands/lookup.ts";
import { commands } from "../state/commands/table.ts";
import type { Machine } from "../state/execution/machine.ts";
import { kvorumVersion } from "../version.ts";
import { clientLimits } from "./config/client-limits.ts";
import type { RuntimeConfig } from "./config/config-runtime.ts";
import type { Identity } from "./directory/data-directory.ts";
import type { Loading } from "./loading.ts";
import { ServerContext } from "./server-context.ts";
import type { Service } from "./service.ts";
import { StartingRaft } from "./starting-raft.ts";

export interface ClientPortOptions {
  readonly runtime: RuntimeConfig;
  readonly hooks: { readonly logger: Logger; readonly onShutdown: () => void };
  readonly identity: Pick<Identity, "clusterId" | "nodeId">;
  readonly machine: Machine;
  readonly loading: Loading;
}

/**
 * Before `serve` it looks after its clients by itself; afterwards whoever serves calls `flush` at the end of each turn,
 * and `sweep` every `sweepMs`.
 */
export class ClientPort {
  readonly stats: NodeStats;
  readonly #options: ClientPortOptions;
  readonly #context: ServerContext;
  readonly #listener: ClientListener;
  #service: Service | null = null;
  #isAwake = false;
  #sweeps: NodeJS.Timeout | undefined;

  constructor(options: ClientPortOptions) {
    this.#options = options;
    this.stats = new NodeStats(options.machine.keyspace.counters);
    this.#context = this.#createContext();
    this.#listener = this.#createListener();
    this.#context.listener = this.#listener;
  }

  /** Rejects with what the system said. */
  async listen(): Promise<void> {
    const { runtime } = this.#options;
    const { bind, port, peerPort } = runtime.current;
    this.#sweeps = setInterval(() => this.sweep(), sweepMs);
    const taken = await this.#listener.listen(bind, port);
    runtime.portsTaken(taken, peerPort);
    this.#context.port = taken;
  }

  /** From now on the requests that are let through go there. */
  serve(service: Service): void {
    assert(this.#service === null, "a port has one node behind it");
    clearInterval(this.#sweeps);
    this.#service = service;
    this.#context.serve(service);
  }

  flush(): void {
    this.#listener.flush();
  }
  writeReplies(): void {
    this.#listener.writeReplies();
  }
  sweep(): void {
    this.#listener.sweep();
  }

  /** Once in so many seconds: what INFO tells of the time between two looks. */
  sample(seconds: number): void {
    this.stats.sample(seconds);
    this.#context.memory();
  }

  async close(graceMs: number): Promise<void> {
    clearInterval(this.#sweeps);
    await this.#listener.close(graceMs);
  }

  #wake(): void {
    if (this.#service !== null) this.#service.wake();
    else if (!this.#isAwake) {
      this.#isAwake = true;
      setImmediate(() => {
        this.#isAwake = false;
        this.flush();
      });
    }
  }

  get #served(): Service {
    assert(this.#service !== null, "requests for data are refused while it is loaded");
    return this.#service;
  }

  #createContext(): ServerContext {
    const { runtime, hooks, identity, machine, loading } = this.#options;
    return new ServerContext({
      kvorumVersion,
      runId: randomBytes(20).toString("hex"),
      config: runtime,
      configFile: runtime.file,
      password: () => runtime.current.requirepass,
      stats: this.stats,
      raft: new StartingRaft(identity),
      machine,
      loading,
      shutdown: hooks.onShutdown,
    });
  }

  #createListener(): ClientListener {
    const { runtime, hooks } = this.#options;
    return new ClientListener({
      limits: () => clientLimits(runtime.current),
      sessions: this.#createHost(),
      wake: () => this.#wake(),
      logger: hooks.logger,
    });
  }

  #createHost(): SessionHost {
    const service = (): Service | null => this.#service;
    return {
      commands,
      finder: new CommandFinder(commands),
      server: this.#context,
      stats: this.stats,
      get isFull() {
        return service()?.isFull ?? false;
      },
      refusesWrite: (command, bytes) => service()?.refusesWrite(command, bytes) ?? null,
      write: (waiter, source, start, end) => this.#served.write(waiter, source, start, end),
      read: (waiter, command, args, locally) => this.#served.read(waiter, command, args, locally),
      holds: (command) => this.#listener.holds(command),
      nowMs: Date.now,
    };
  }
}
