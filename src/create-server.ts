// The embedded API: a node in this process, for tests and small programs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, logLevels } from "./logger.ts";
import { loadConfig } from "./node/config/config.ts";
import type { OptionName } from "./node/config/config-options.ts";
import { RuntimeConfig } from "./node/config/config-runtime.ts";
import { startNode } from "./node/start-node.ts";

export interface ServerOptions {
  /** 0, the default, picks a free one. */
  readonly port?: number;
  /** The default is 127.0.0.1. */
  readonly host?: string;
  /** Kept at the end. Without one a temporary directory is used, and removed at the end. */
  readonly dir?: string;
  readonly password?: string;
  /** As --loglevel; the default is "warning". */
  readonly logLevel?: string;
}

export interface Server {
  readonly port: number;
  readonly host: string;
  readonly dir: string;
  /** Answers what is under way, writes everything, closes every connection. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a durable node in this process; resolves when it serves clients. A failing disk ends the
 * process: nothing may be acknowledged any more.
 *
 *     const server = await createServer();
 *     const redis = new Redis(server.port);
 */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const { port = 0, host = "127.0.0.1", logLevel = "warning" } = options;
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "kvorum-")));
  const flags = new Map<OptionName, readonly string[]>([
    ["port", [String(port)]],
    ["bind", [host]],
    ["dir", [dir]],
    ["loglevel", [logLevel]],
  ]);
  if (options.password !== undefined) flags.set("requirepass", [options.password]);
  const loaded = loadConfig({ flags, environment: {}, openFiles: null });

  const logger = createLogger(logLevels.get(logLevel) ?? "warn");
  const stopping = new AbortController();
  let close = (): void => stopping.abort(new Error("SHUTDOWN came before the server served"));
  const node = await startNode(new RuntimeConfig(loaded), {
    logger,
    onFailure: (error) => {
      logger.fatal({ error: error.message }, "the disk failed: this process ends");
      process.exit(74); // As the program: EX_IOERR of sysexits.h.
    },
    onShutdown: () => close(),
    stopping: stopping.signal,
  });
  close = () => void node.close();
  return {
    ...{ port: node.port, host, dir },
    async close(): Promise<void> {
      await node.close();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}
