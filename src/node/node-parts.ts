// What a running node is made of, and whom it tells of its end.

import type { Logger } from "../logger.ts";
import type { NodeId } from "../raft/core/types.ts";
import type { LogStore } from "../raft/ports.ts";
import type { Machine } from "../state/execution/machine.ts";
import type { ClientPort } from "./client-port.ts";
import type { RuntimeConfig } from "./config/config-runtime.ts";
import type { DataDirectory, Identity } from "./directory/data-directory.ts";
import type { Loading } from "./loading.ts";
import type { DiskRoom } from "./resources/disk-room.ts";
import type { MemoryRoom } from "./resources/memory-room.ts";
import type { CheckpointHome } from "./snapshots/checkpoint-home.ts";

export interface NodeHooks {
  readonly logger: Logger;
  /** A broken disk: nothing may be acknowledged any more, the process has to end. */
  readonly onFailure: (error: Error) => void;
  /** SHUTDOWN was asked for. */
  readonly onShutdown: () => void;
  /** Aborted: the node is not wanted any more, although it does not serve yet. */
  readonly stopping: AbortSignal;
}

export interface NodeParts {
  readonly runtime: RuntimeConfig;
  readonly hooks: NodeHooks;
  readonly directory: DataDirectory;
  readonly identity: Identity & { readonly peers: ReadonlyMap<NodeId, string> };
  readonly clients: ClientPort;
  readonly loading: Loading;
  readonly machine: Machine;
  readonly home: CheckpointHome;
  readonly store: LogStore;
  readonly disk: DiskRoom;
  readonly memory: MemoryRoom;
  /** See `logShare`. */
  readonly logShareBytes: number;
}
