// A client that asks a node again and again: how long it waited at most, and how large the process became.

import type { ServerProcess } from "./process-server.ts";

const pauseMs = 5;

export interface Probe {
  readonly longestMs: number;
  readonly answers: number;
  readonly residentBytesMax: number;
}

/** Watches a node while `work` goes on. */
export async function probeWhile(node: ServerProcess, work: () => Promise<void>): Promise<Probe> {
  const probe = { longestMs: 0, answers: 0, residentBytesMax: 0 };
  const client = await node.connect();
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const sinceMs = performance.now();
      const [pong, value] = [await client.ask("PING"), await client.ask("GET", "probe")];
      if (pong !== "+PONG\r\n" || value.startsWith("-")) throw new Error(`${pong}${value}`);
      probe.longestMs = Math.max(probe.longestMs, performance.now() - sinceMs);
      probe.residentBytesMax = Math.max(probe.residentBytesMax, node.residentBytes());
      probe.answers++;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  try {
    await Promise.race([work(), asking]);
  } finally {
    isOver = true;
    await asking;
    client.close();
  }
  return probe;
}
