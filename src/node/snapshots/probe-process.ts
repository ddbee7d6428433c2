// The process that reads a checkpoint in place of a node, whether or not that ends it: one argument, the directory.

import { openCheckpointStore } from "../../state/checkpoint-store.ts";

// Without the node that has asked nobody waits for the answer, and its next start needs the directory.
process.channel?.unref();
process.once("disconnect", () => process.exit(1));
if (!process.connected) process.exit(1); // It has ended while the modules were loaded.

const store = await openCheckpointStore(process.argv[2] ?? "");
await store.readThrough();
await store.close();
