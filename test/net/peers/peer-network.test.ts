import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { defaultPeerLimits } from "../../../src/net/peers/peer-options.ts";
import { bulkKindMin, encodeWhole } from "../../../src/net/peers/piece.ts";
import { asNode, type NodeId } from "../../../src/raft/core/types.ts";
import { closed, handshaken, identity, type Recorded, started } from "./support.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const frame = (kind: number, body: string) => encodeWhole(kind, bytes(body));

/** Two nodes that dial each other. */
async function pair(secret: string | null = null): Promise<[Recorded, Recorded]> {
  const one = await started(identity(1, secret));
  const two = await started(identity(2, secret));
  one.network.setPeers(new Map([[asNode(2), two.address]]));
  two.network.setPeers(new Map([[asNode(1), one.address]]));
  await Promise.all([one.saw("connected 2"), two.saw("connected 1")]);
  return [one, two];
}

describe("two nodes", () => {
  test.each([null, "a secret of the tests"])(
    "exchange frames in both directions (secret %s)",
    async (secret) => {
      const [one, two] = await pair(secret);
      expect(one.network.send(asNode(2), 1, [bytes("to "), bytes("two")])).toBe(true);
      expect(two.network.send(asNode(1), 0xef, [])).toBe(true);
      await two.until(() => two.frames.length === 1);
      await one.until(() => one.frames.length === 1);
      expect(two.frames).toEqual([{ from: 1, kind: 1, body: "to two" }]);
      expect(one.frames).toEqual([{ from: 2, kind: 0xef, body: "" }]);
    },
  );

  test("keep the order of small and large bulk frames", async () => {
    const [one, two] = await pair();
    const sizes = [0, 1, 10_000, 65_535, 65_536, 70_000, 5, 3_000_000, 0, 40_000, 64, 100];
    for (const [at, size] of sizes.entries()) {
      one.network.send(asNode(2), bulkKindMin + at, [bytes(String(at)), Buffer.alloc(size, at)]);
    }
    await two.until(() => two.frames.length === sizes.length);
    expect(two.frames.map(({ kind }) => kind)).toEqual(sizes.map((_size, at) => bulkKindMin + at));
    expect(two.frames.map(({ body }) => body.length)).toEqual(
      sizes.map((size, at) => size + String(at).length),
    );
    expect(two.frames[7]?.body.slice(1)).toBe("\x07".repeat(3_000_000));
  });

  test("are connected again, and told so, after a peer has restarted on its port", async () => {
    const [one, two] = await pair();
    const { port } = two.network;
    await two.network.close();
    await one.saw("refused 2");
    expect(one.events).toEqual(["connected 2", "disconnected 2", "refused 2"]);
    expect(one.network.send(asNode(2), 1, [])).toBe(false);
    await started({ ...identity(2), incarnation: 2 }, {}, port);
    await one.until(() => one.events.length === 4);
    expect(one.events[3]).toBe("connected 2");
  });

  test("are told once of a process that is not there, however often it is tried", async () => {
    const one = await started(identity(1), { backoffMinMs: 1, backoffMaxMs: 2 });
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const address = free.address();
    const port = typeof address === "object" ? address?.port : 0;
    free.close();
    await once(free, "close");
    one.network.setPeers(new Map([[asNode(2), `127.0.0.1:${port}`]]));
    await one.logged("cannot reach node 2");
    const two = await started(identity(2), {}, port);
    await one.saw("connected 2");
    expect(one.events).toEqual(["refused 2", "connected 2"]);
    expect(one.lines.filter((line) => line.includes("cannot reach"))).toHaveLength(1);
    await two.network.close();
  });
});

describe("setPeers", () => {
  test("leaves a peer that is gone from the list, without telling of it", async () => {
    const [one, two] = await pair();
    one.network.send(asNode(2), 1, [bytes("last")]);
    one.network.setPeers(new Map());
    expect(one.network.send(asNode(2), 1, [])).toBe(false);
    await two.until(() => two.frames.length === 1);
    await two.logged("node 1 no longer sends");
    expect(one.events).toEqual(["connected 2"]);
  });

  test("dials the new address of a peer that has moved", async () => {
    const [one] = await pair();
    const moved = await started({ ...identity(2), incarnation: 2 });
    one.network.setPeers(new Map([[asNode(2), moved.address]]));
    await one.until(() => one.events.length === 2);
    one.network.send(asNode(2), 9, []);
    await moved.until(() => moved.frames.length === 1);
  });

  test("never dials this node's own id, nor an address that is none", async () => {
    const one = await started(identity(1));
    const two = await started(identity(2));
    const own: [NodeId, string] = [asNode(1), two.address];
    one.network.setPeers(new Map([own, [asNode(3), ""], [asNode(2), two.address]]));
    await one.saw("connected 2");
    expect(two.network.refusals).toBe(0);
    expect(one.lines[0]).toBe("node 3 has no usable peer address: ''");
    expect(one.network.send(asNode(1), 1, [])).toBe(false);
  });

  test("meets another node at a peer's address: it is not taken for that peer", async () => {
    const one = await started(identity(1));
    const three = await started(identity(3));
    one.network.setPeers(new Map([[asNode(2), three.address]]));
    await one.logged("cannot reach node 2");
    expect(one.lines[0]).toContain("refused by the peer: this is node 3, not node 2");
    expect(one.events).toEqual([]);
  });
});

describe("a peer that was removed from the cluster", () => {
  test("is told so, and not heard from then on", async () => {
    const [one, two] = await pair();
    two.removed.add(asNode(1));
    await one.saw("removed, says 2");
    one.network.send(asNode(2), 1, [bytes("too late")]);
    await two.logged("node 1 no longer sends: it was removed from the cluster");
    expect(two.frames).toEqual([]);
  });

  test("is told so as soon as it connects", async () => {
    const one = await started(identity(1));
    const two = await started(identity(2), { pingMs: 60_000 });
    two.removed.add(asNode(1));
    one.network.setPeers(new Map([[asNode(2), two.address]]));
    await one.saw("removed, says 2");
    expect(two.events).toEqual([]);
  });

  test("believes it only of a peer that has proved who it is", async () => {
    const one = await started({ ...identity(1), secret: "a secret of the tests" });
    const impostor = await started({ ...identity(2), secret: "another secret of the tests" });
    impostor.removed.add(asNode(1));
    one.network.setPeers(new Map([[asNode(2), impostor.address]]));
    await one.logged("the peer secret differs");
    expect(one.events).toEqual([]);
  });
});

describe("a peer that does not read", () => {
  test("is left when it gives no sign of life, and tried again", async () => {
    const one = await started(identity(1), { pingMs: 5, silentPingsMax: 3 });
    const proxied = await started(identity(2));
    let frozen = true;
    const address = await proxyTo(proxied, () => frozen);
    one.network.setPeers(new Map([[asNode(2), address]]));
    await one.logged("lost the connection to node 2");
    expect(one.lines.some((line) => line.includes("the peer is silent"))).toBe(true);
    frozen = false;
    await one.until(() => one.events.filter((event) => event === "connected 2").length >= 2);
    one.network.send(asNode(2), 1, [bytes("again")]);
    await proxied.until(() => proxied.frames.some(({ body }) => body === "again"));
  });

  test("is left after about two seconds, as the limits are", async () => {
    const one = await started(identity(1), defaultPeerLimits);
    const two = await started(identity(2), defaultPeerLimits);
    one.network.setPeers(new Map([[asNode(2), await proxyTo(two, () => true)]]));
    await one.saw("connected 2");
    const since = performance.now();
    await one.saw("disconnected 2");
    const silentMs = performance.now() - since;
    expect(silentMs).toBeGreaterThan(1_400); // The loss of a packet or two is no reason.
    expect(silentMs).toBeLessThan(3_500); // Two seconds and a beat, and what a busy machine adds.
    await one.until(() => one.events.filter((event) => event === "connected 2").length === 2);
  });
});

/** Stands in for a peer that is paused or cut off: after the handshake nothing is passed on while `frozen`. */
async function proxyTo(peer: Recorded, frozen: () => boolean): Promise<string> {
  const proxy = createServer((near) => {
    const far = handshakeThrough(near, peer.network.port, frozen);
    onTestFinished(() => {
      near.destroy();
      far.destroy();
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    proxy.close();
  });
  await once(proxy, "listening");
  const address = proxy.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

/** Passes the handshake through; afterwards nothing comes back while `frozen`. */
function handshakeThrough(near: Socket, port: number, frozen: () => boolean) {
  const far = connect({ host: "127.0.0.1", port });
  let answers = 0;
  near.on("data", (chunk) => far.write(chunk));
  far.on("data", (chunk) => {
    answers += 1;
    if (answers <= 2 || !frozen()) near.write(chunk);
  });
  for (const socket of [near, far]) socket.on("error", () => undefined);
  near.on("close", () => far.destroy());
  far.on("close", () => near.destroy());
  return far;
}

describe("two connections with one id", () => {
  test("the newest wins, the older is closed, and none of its frames comes later", async () => {
    const two = await started(identity(2));
    const older = await handshaken(two.network.port, identity(1), 2);
    older.write(frame(1, "older"));
    await two.until(() => two.frames.length === 1);
    const newer = await handshaken(two.network.port, identity(1), 2);
    older.write(frame(1, "too late"));
    await closed(older);
    newer.write(frame(1, "newer"));
    await two.until(() => two.frames.length === 2);
    expect(two.frames.map(({ body }) => body)).toEqual(["older", "newer"]);
  });

  test("a peer that comes back with a lower incarnation is reported", async () => {
    const two = await started(identity(2));
    await handshaken(two.network.port, { ...identity(1), incarnation: 5 }, 2);
    await handshaken(two.network.port, { ...identity(1), incarnation: 4 }, 2);
    await two.logged("incarnation 4 after 5");
  });
});

test("a connection of a peer ends the wait before the next attempt to reach it", async () => {
  const one = await started(identity(1), { backoffMinMs: 60_000, backoffMaxMs: 60_000 });
  const probe = await started(identity(2));
  const { port } = probe.network;
  await probe.network.close();
  one.network.setPeers(new Map([[asNode(2), `127.0.0.1:${port}`]]));
  await one.saw("refused 2");
  const two = await started(identity(2), {}, port);
  two.network.setPeers(new Map([[asNode(1), one.address]]));
  await one.saw("connected 2");
});

test("close ends everything: no handler is called, nothing keeps the peer waiting", async () => {
  const [one, two] = await pair();
  await one.network.close();
  await two.saw("refused 1");
  expect(one.events).toEqual(["connected 2"]);
});
