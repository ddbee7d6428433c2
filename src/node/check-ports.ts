// Whether the ports of a node are free, as far as that can be known before they are taken.

import { createServer as createSocketServer } from "node:net";
import { formatEndpoint } from "../net/endpoint.ts";
import { codeOf, describeError } from "../system-error.ts";
import type { Config } from "./config/config.ts";
import { StartError } from "./start-error.ts";

/** A port that is taken is found out before anything is written or a cluster is asked to let us in. */
export async function checkPorts({ bind, port, peerPort }: Config): Promise<void> {
  for (const { host, optional } of bind) {
    for (const each of [port, peerPort]) {
      if (each !== 0) await checkPort(host, each, optional);
    }
  }
}

function checkPort(host: string, port: number, optional: boolean): Promise<void> {
  const probe = createSocketServer();
  return new Promise((resolve, reject) => {
    probe.once("error", (error) => {
      if (optional && codeOf(error) === "EADDRNOTAVAIL") resolve();
      else reject(new StartError(`cannot listen on ${portProblem(host, port, error)}`));
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

function portProblem(host: string, port: number, error: unknown): string {
  const place = `${formatEndpoint({ host, port })}: ${describeError(error)}`;
  return codeOf(error) === "EADDRINUSE"
    ? `${place}. End the other process, or choose another --port or --peer-port`
    : place;
}
