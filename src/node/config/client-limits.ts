// The settings that clients meet, as the listener for clients reads them.

import type { ClientLimits } from "../../net/clients/client-listener.ts";
import type { Config } from "./config.ts";

export function clientLimits(config: Config): ClientLimits {
  const { maxClients, bulkBytes, requestBytes, idleSeconds, keepAliveSeconds } = config;
  return {
    ...{ maxClients, bulkBytes, requestBytes, idleSeconds, keepAliveSeconds },
    requiresPassword: config.requirepass !== "",
    protectedMode: config.protectedMode,
  };
}
