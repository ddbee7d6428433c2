// SAVE

import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

export const save: SessionCommand = {
  kind: "session",
  name: "save",
  summary: "Writes a checkpoint and answers when it is on disk.",
  since: "1.0.0",
  group: "server",
  complexity: "O(N) in the number of keys changed since the last one",
  arity: 1,
  flags: ["admin", "noscript", "no_async_loading", "no_multi"],
  async run({ server }) {
    if (server.checkpointRunning) return errors.saveInProgress;
    return (await server.checkpoint()) ? ok : errors.noRoomForCheckpoint;
  },
};
