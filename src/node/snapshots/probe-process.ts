// The child process that reads the checkpoint in a directory (its argument) for a node, because LevelDB may abort it.

import { openCheckpointStore } from "../../state/checkpoint/store.ts";

// When the node that has asked is gone, nobody waits for the answer, and its next start needs the directory.
process.channel?.unref();
process.once("disconnect", () => process.exit(1));
if (!process.connected) process.exit(1); // It has ended while the modules were loaded.

const store = await openCheckpointStore(process.argv[2] ?? "");
await store.readThrough();
await store.close();
