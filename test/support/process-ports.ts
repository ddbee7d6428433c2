// Spare ports for processes under test: below the ephemeral range, so no outgoing connection takes one.

import { createServer } from "node:net";

const first = 18_000;
const count = 4_000;
/** A node listens for peers on its client port plus this. */
export const peerPortOffset = 10_000;

/** Ports handed out by this process; another process is kept away by the probe of both ports. */
const given = new Set<number>();

/** A port that is free together with its peer port. */
export async function sparePort(): Promise<number> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const port = first + Math.floor(Math.random() * count);
    if (given.has(port)) continue;
    if ((await isFree(port)) && (await isFree(port + peerPortOffset))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`no free port from ${first} to ${first + count}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
