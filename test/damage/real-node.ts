// The node as it is, inside this process: its start, a client, and the disk failures that it reports.

import { createLogger } from "../../src/logger.ts";
import { loadConfig } from "../../src/node/config/config.ts";
import { RuntimeConfig } from "../../src/node/config/config-runtime.ts";
import { DataDirectoryError } from "../../src/node/directory/data-directory.ts";
import type { RunningNode } from "../../src/node/running-node.ts";
import { StartError } from "../../src/node/start-error.ts";
import { startNode } from "../../src/node/start-node.ts";
import { CheckpointError } from "../../src/state/checkpoint/level.ts";
import type { Refused } from "./start.ts";

export interface RealNode {
  readonly node: RunningNode;
  /** Each of them would have ended the process. */
  readonly failures: readonly Error[];
}

export async function startRealNode(path: string): Promise<RealNode | Refused> {
  const flags = new Map([
    ["port", ["0"]],
    ["peer-port", ["0"]],
    ["bind", ["127.0.0.1"]],
    ["dir", [path]],
  ] as const);
  const runtime = new RuntimeConfig(loadConfig({ flags, environment: {}, openFiles: null }));
  const failures: Error[] = [];
  try {
    const node = await startNode(runtime, {
      logger: createLogger("silent"),
      onFailure: (error) => void failures.push(error),
      onShutdown: () => {},
      stopping: new AbortController().signal,
    });
    return { node, failures };
  } catch (error) {
    const kinds = [StartError, DataDirectoryError, CheckpointError];
    if (kinds.some((kind) => error instanceof kind)) return { refused: (error as Error).message };
    throw error;
  }
}
