// What a node's configuration and machine say of memory, for the parts that need it.

import { totalmem } from "node:os";
import type { Machine } from "../state/execution/machine.ts";
import type { RuntimeConfig } from "./config/config-runtime.ts";
import type { Replica } from "./replica/replica.ts";
import type { ReplicaOptions } from "./replica/replica-options.ts";

export function ownSettings(runtime: RuntimeConfig): Pick<ReplicaOptions, "settings" | "eviction"> {
  return {
    settings: { memoryBytes: memoryLimit(), given: runtime.givenSettings },
    eviction: () => {
      const { evictionSamples: samples, evictionTenacity: tenacity } = runtime.current;
      return { samples, tenacity };
    },
  };
}

/** CONFIG shows and changes the cluster's settings, and the state counts uses as this node's options say. */
export function joinSettings(runtime: RuntimeConfig, replica: Replica, machine: Machine): void {
  const count = (): void => {
    const { lfuLogFactor: logFactor, lfuDecayMinutes: decayMinutes } = runtime.current;
    machine.keyspace.access.options = { logFactor, decayMinutes };
  };
  runtime.follow(replica.settings);
  runtime.onChange(count);
  count();
}

/** Limits of cgroups count; a process without one is told 0, or a number beyond any machine. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained > 0 ? Math.min(constrained, total) : total;
}
