// host:port as text: addresses of nodes on the command line, in the membership, in the log.

import { BlockList, isIP } from "node:net";

export interface Endpoint {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** An address to listen on; an optional one (`-::1`) may be missing on this machine. */
export interface BindAddress {
  readonly host: string;
  readonly optional: boolean;
}

const pattern = /^(?:([A-Za-z0-9_.-]+)|\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\]):([0-9]{1,5})$/;

/** The longest name that DNS has. Addresses travel in urgent frames between nodes, so they have to be small. */
export const hostCharsMax = 253;

/** Reads `host:port` or `[ipv6]:port`; null for anything else, port 0 included. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const host = match[1] ?? match[2] ?? "";
  const port = Number(match[3]);
  return port >= 1 && port <= 65_535 && host.length <= hostCharsMax ? { host, port } : null;
}

export function formatEndpoint(endpoint: Endpoint): string {
  const { host, port } = endpoint;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address of the other end of a socket; an IPv4 address looks the same on a socket that speaks IPv6. */
export function plainAddress(remoteAddress: string | undefined): string {
  return (remoteAddress ?? "an unknown address").replace(/^::ffff:(?=[0-9.]+$)/, "");
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True when only this machine can reach the address. A name counts only if it is `localhost`. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  return loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}

/** True for the addresses that stand for every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "*";
}
