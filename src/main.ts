#!/usr/bin/env node
// The program: what the command line asks for, from the first line of the log to the exit code.

import { runAdmin } from "./cli/admin.ts";
import { processHost, runCluster } from "./cli/cluster.ts";
import { parseCommandLine } from "./cli/command-line.ts";
import { logJoining } from "./cli/joining.ts";
import { processOutput } from "./cli/output.ts";
import { runStatus } from "./cli/status.ts";
import { createLogger, type Logger } from "./logger.ts";
import { formatEndpoint } from "./net/endpoint.ts";
import { ConfigError, type LoadedConfig } from "./node/config/config.ts";
import { RuntimeConfig } from "./node/config/config-runtime.ts";
import { openFilesMax } from "./node/config/open-files.ts";
import { DataDirectoryError } from "./node/directory/data-directory.ts";
import { JoinError } from "./node/join.ts";
import type { RunningNode } from "./node/running-node.ts";
import { StartError } from "./node/start-error.ts";
import { startNode } from "./node/start-node.ts";
import { CheckpointError } from "./state/checkpoint/level.ts";
import { describeError } from "./system-error.ts";
import { kvorumVersion } from "./version.ts";

/** As in sysexits.h: the disk or the directory failed; something inside is broken. */
const exitCodes = { cannotStart: 1, brokenDisk: 74, brokenProgram: 70 } as const;

async function main(): Promise<void> {
  process.umask(0o077); // What a node writes is its owner's business alone.
  const invocation = parseCommandLine(process.argv.slice(2), process.env, kvorumVersion);
  switch (invocation.kind) {
    case "print": {
      const stream = invocation.exitCode === 0 ? process.stdout : process.stderr;
      stream.write(invocation.text);
      process.exitCode = invocation.exitCode;
      return;
    }
    case "cluster": {
      const host = processHost(process.argv[1] ?? "");
      process.exitCode = await runCluster(invocation.options, host);
      return;
    }
    case "status":
      process.exitCode = await runStatus(invocation.options, processOutput());
      return;
    case "admin":
      process.exitCode = await runAdmin(invocation.action, invocation.target, processOutput());
      return;
    case "serve":
      await serve(invocation.loaded);
  }
}

async function serve(loaded: LoadedConfig): Promise<void> {
  const { config } = loaded;
  const logger = createLogger(config.logLevel);
  stopOnBrokenInvariant(logger);
  for (const warning of loaded.warnings) logger.warn(warning);
  const runtime = new RuntimeConfig(loaded, openFilesMax());
  runtime.onChange((name) => {
    if (name === "loglevel") logger.level = runtime.current.logLevel;
  });

  let node: RunningNode | null = null;
  const closing = new AbortController();
  const stop = (why: string): void => {
    logger.info(`${why}: closing`);
    closing.abort();
    // A start that is called off gives everything back by itself.
    void node?.close().then(() => {
      logger.info("closed");
      process.exit(0);
    });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => stop(signal));
  }
  stopWithParent(() => stop("the cluster command has ended"));
  try {
    node = await startNode(runtime, {
      logger,
      onFailure: (error) => {
        logger.fatal(`the disk failed (${describeError(error)}): nothing is acknowledged any more`);
        process.exit(exitCodes.brokenDisk);
      },
      onShutdown: () => stop("SHUTDOWN"),
      stopping: closing.signal,
    });
  } catch (error) {
    if (error === closing.signal.reason) {
      logger.info("closed");
      process.exit(0);
    }
    logger.fatal(explain(error));
    process.exit(exitCodes.cannotStart);
  }
  const { port, peerPort } = node;
  const place = formatEndpoint({ host: config.announce, port });
  logger.info(
    { clusterId: node.clusterId, nodeId: node.nodeId, peerPort, dir: config.dir },
    `ready on ${place}. Try: redis-cli -p ${port} SET name ashu`,
  );
  if (config.join === null) return;
  await logJoining({
    node: node.nodeId,
    through: { host: config.announce, port },
    password: runtime.current.requirepass,
    log: (line, fields) => logger.info(fields, line),
    signal: closing.signal,
  });
}

/** One line for what the operator can mend; the whole story for a bug of ours. */
function explain(error: unknown): string {
  const kinds = [StartError, DataDirectoryError, CheckpointError, JoinError, ConfigError];
  if (kinds.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Our bug stops the process: better to stop than to continue in an incorrect state. */
function stopOnBrokenInvariant(logger: Logger): void {
  process.on("uncaughtException", (error) => {
    logger.fatal(`this is a bug of kvorum, please report it: ${error.stack ?? error.message}`);
    process.exit(exitCodes.brokenProgram);
  });
}

/** A node of `kvorum cluster` ends with it. */
function stopWithParent(stop: () => void): void {
  if (!process.connected) return;
  process.channel?.unref();
  process.once("disconnect", stop);
}

await main();
