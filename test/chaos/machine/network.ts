// Where nodes listen, and how the network between them is cut: each node in a network namespace of its own.
//
//   harness --- router --- node 0
//                    \---- node 1 ...
//
// The router is a namespace too. A rule "from A to B: blackhole" there drops that direction silently, for
// open connections and new ones alike, and no node can tell it from a broken cable.

import { randomBytes } from "node:crypto";
import { peerPortOffset, sparePort } from "../../support/process-ports.ts";
import { undoAtExit } from "./cleanup.ts";
import { run, runToTheEnd } from "./shell.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Network {
  /** By slot: the node's address for clients. */
  readonly addresses: readonly Address[];
  /** What a program of this slot is started with, to be in its place. */
  wrapper(slot: number): readonly string[];
  /** The host that peers are told; null: the one where the node listens. */
  announce(slot: number): string | null;
  /** From now on nothing that `from` sends reaches `to`; the other direction stays. */
  cut(from: number, to: number): Promise<void>;
  mend(from: number, to: number): Promise<void>;
  /** Limits everything that a node sends and receives; null lifts the limit. */
  limit(slot: number, kilobitsPerSecond: number | null): Promise<void>;
  dispose(): void;
}

/** All nodes on 127.0.0.1, for want of namespaces: no link can be cut. */
export async function loopback(size: number): Promise<Network> {
  const addresses: Address[] = [];
  for (let slot = 0; slot < size; slot++) {
    addresses.push({ host: "127.0.0.1", port: await sparePort() });
  }
  const refuse = () => Promise.reject(new Error("loopback cannot be cut"));
  return {
    addresses,
    wrapper: () => [],
    announce: () => null,
    cut: refuse,
    mend: refuse,
    limit: refuse,
    dispose: () => undefined,
  };
}

const clientPort = 7000;
/** Host numbers below are those of harness and router. */
const firstHost = 11;

export async function namespaces(size: number): Promise<Network> {
  const net = new Namespaces(size);
  try {
    await net.build();
    return net;
  } catch (error) {
    net.dispose();
    throw error;
  }
}

class Namespaces implements Network {
  readonly addresses: readonly Address[];
  /** Unique per run; an interface name has 15 characters at most. */
  readonly #name = `kvc${randomBytes(3).toString("hex")}`;
  /** 10.64.0.0/10 is private, and seldom used. */
  readonly #subnet = `10.${(64 + (randomBytes(1)[0] as number) / 4) | 0}.${randomBytes(1)[0]}`;
  readonly #router = `${this.#name}r`;
  readonly #undo: () => void;

  constructor(size: number) {
    this.addresses = Array.from({ length: size }, (_, slot) => ({
      host: `${this.#subnet}.${firstHost + slot}`,
      port: clientPort,
    }));
    this.#undo = undoAtExit(() => {
      // An interface goes with its namespace, and its other end with it.
      for (const name of this.#all()) runToTheEnd("ip", "netns", "del", name);
    });
  }

  async build(): Promise<void> {
    const router = this.#router;
    const [outside, inside] = [`${this.#subnet}.1`, `${this.#subnet}.2`];
    for (const name of this.#all()) await ip("netns", "add", name);
    await ip("link", "add", this.#name, "type", "veth", "peer", "name", "harness", "netns", router);
    await ip("addr", "add", `${outside}/30`, "dev", this.#name);
    await ip("link", "set", this.#name, "up");
    await ip("-n", router, "addr", "add", `${inside}/30`, "dev", "harness");
    await ip("-n", router, "link", "set", "harness", "up");
    await ip("route", "add", `${this.#subnet}.0/24`, "via", inside);
    await run("nsenter", inNamespace(router), "sysctl", "-qw", "net.ipv4.ip_forward=1");
    for (const slot of this.addresses.keys()) await this.#attach(slot, inside);
  }

  wrapper(slot: number): readonly string[] {
    // Not "ip netns exec": that copies every mount, and a disk could not be unmounted any more.
    return ["nsenter", inNamespace(this.#node(slot))];
  }

  announce(): null {
    return null;
  }

  cut(from: number, to: number): Promise<void> {
    return this.#rule("add", from, to);
  }

  mend(from: number, to: number): Promise<void> {
    return this.#rule("del", from, to);
  }

  async limit(slot: number, kilobitsPerSecond: number | null): Promise<void> {
    const ends: readonly [string, string][] = [
      [this.#router, `node${slot}`],
      [this.#node(slot), "uplink"],
    ];
    for (const [namespace, device] of ends) {
      const at = ["-n", namespace, "qdisc"];
      if (kilobitsPerSecond === null) await run("tc", ...at, "del", "dev", device, "root");
      else {
        const bucket = ["rate", `${kilobitsPerSecond}kbit`, "burst", "4kb", "latency", "100ms"];
        await run("tc", ...at, "add", "dev", device, "root", "tbf", ...bucket);
      }
    }
  }

  dispose(): void {
    this.#undo();
  }

  async #attach(slot: number, gateway: string): Promise<void> {
    const node = this.#node(slot);
    const host = `${this.#host(slot)}/32`;
    const link = ["type", "veth", "peer", "name", "uplink", "netns", node];
    await ip("-n", this.#router, "link", "add", `node${slot}`, ...link);
    await ip("-n", this.#router, "link", "set", `node${slot}`, "up");
    await ip("-n", this.#router, "route", "add", host, "dev", `node${slot}`);
    await ip("-n", node, "link", "set", "lo", "up");
    await ip("-n", node, "addr", "add", host, "dev", "uplink");
    await ip("-n", node, "link", "set", "uplink", "up");
    await ip("-n", node, "route", "add", `${gateway}/32`, "dev", "uplink");
    await ip("-n", node, "route", "add", "default", "via", gateway);
  }

  async #rule(verb: "add" | "del", from: number, to: number): Promise<void> {
    const pair = ["from", this.#host(from), "to", this.#host(to)];
    await ip("-n", this.#router, "rule", verb, ...pair, "blackhole");
  }

  #host(slot: number): string {
    return this.addresses[slot]?.host ?? "";
  }

  #node(slot: number): string {
    return `${this.#name}n${slot}`;
  }

  #all(): string[] {
    return [this.#router, ...Array.from(this.addresses.keys(), (slot) => this.#node(slot))];
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run("ip", ...args);
}

/** Only the network of the namespace; the program stays our direct child. */
export function inNamespace(name: string): string {
  return `--net=/var/run/netns/${name}`;
}

/** What a node listens on besides its port for clients. */
export function peerPortOf({ port }: Address): number {
  return port + peerPortOffset;
}
