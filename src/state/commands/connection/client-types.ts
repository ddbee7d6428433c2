// The kinds of connection that TYPE filters name, and the one kind that exists here.

import { errors } from "../../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../../resp/reply.ts";

const types = new Set(["normal", "slave", "replica", "pubsub", "master"]);

/**
 * Whether a filter takes a client's connection. Other servers use the peer port, so here every
 * connection is a normal one.
 */
export function takesNormalClients(type: Bytes): boolean | ErrorReply {
  const lower = type.toLowerCase();
  return types.has(lower) ? lower === "normal" : errors.unknownClientType(type);
}
