import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Endpoint } from "../../src/net/endpoint.ts";
import { JoinError, type JoinRequest, requestJoin } from "../../src/node/join.ts";
import { ErrorReply, ok, type Reply } from "../../src/resp/reply.ts";
import { freePort, scripted } from "../cli/support.ts";

const clusterId = "0123456789abcdef0123456789abcdef";
const directory = "fedcba9876543210fedcba9876543210";
const invitation: Reply = [
  clusterId,
  3,
  [1, "10.0.0.1:17000", "10.0.0.1:7000", 1],
  [3, "10.0.0.3:17000", "10.0.0.3:7000", 0],
];

function asking(target: Endpoint, more: Partial<JoinRequest> = {}) {
  const lines: string[] = [];
  const outcome = requestJoin({
    target,
    clientAddress: "10.0.0.3:7000",
    peerAddress: "10.0.0.3:17000",
    directory,
    password: "",
    report: (line) => lines.push(line),
    giveUpMs: 50,
    pauseMs: 5,
    ...more,
  });
  return { outcome, lines };
}

describe("a node that wants to join", () => {
  test("asks with its addresses and its directory and learns who it is and who the others are", async () => {
    const server = await scripted(() => invitation);
    const { outcome, lines } = asking(server.target);
    expect(await outcome).toEqual({
      clusterId,
      nodeId: 3,
      members: [
        { id: 1, peerAddress: "10.0.0.1:17000", clientAddress: "10.0.0.1:7000", voter: true },
        { id: 3, peerAddress: "10.0.0.3:17000", clientAddress: "10.0.0.3:7000", voter: false },
      ],
    });
    expect(server.asked).toEqual([`RAFT ADD 10.0.0.3:7000 10.0.0.3:17000 ${directory}`]);
    expect(lines).toEqual([]);
  });

  test("gives the password first", async () => {
    const server = await scripted(([name]) => (name === "AUTH" ? ok : invitation));
    await asking(server.target, { password: "p w" }).outcome;
    expect(server.asked).toEqual([
      "AUTH p w",
      `RAFT ADD 10.0.0.3:7000 10.0.0.3:17000 ${directory}`,
    ]);
  });

  test("asks again while there is no leader, and says so once per reason", async () => {
    const replies: Reply[] = [
      new ErrorReply("CLUSTERDOWN no leader"),
      new ErrorReply("CLUSTERDOWN no leader"),
      new ErrorReply("LOADING still loading"),
      new ErrorReply("ERR another change is under way"),
      invitation,
    ];
    const server = await scripted(() => replies.shift());
    const { outcome, lines } = asking(server.target);
    expect((await outcome).nodeId).toBe(3);
    const place = `127.0.0.1:${server.target.port}`;
    expect(lines).toEqual([
      `waiting to join the cluster at ${place}: CLUSTERDOWN no leader`,
      `waiting to join the cluster at ${place}: LOADING still loading`,
      `waiting to join the cluster at ${place}: ERR another change is under way`,
    ]);
  });

  test("gives up with the last reason", async () => {
    const server = await scripted(() => new ErrorReply("CLUSTERDOWN no leader"));
    await expect(asking(server.target).outcome).rejects.toThrow(
      `cannot join the cluster at 127.0.0.1:${server.target.port}: CLUSTERDOWN no leader`,
    );
    expect(server.asked).toHaveLength(10);
  });

  test("tries a node that is not up yet until it is given up", async () => {
    const target = { host: "127.0.0.1", port: await freePort() };
    const { outcome, lines } = asking(target);
    await expect(outcome).rejects.toThrow(JoinError);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/: 127\.0\.0\.1:\d+: Connection refused$/);
  });

  test.each([
    ["NOAUTH Authentication required.", "KVORUM_REQUIREPASS"],
    ["WRONGPASS invalid", "KVORUM_REQUIREPASS"],
    ["ERR unknown command 'RAFT'", "is it a kvorum node?"],
    ["ERR 10.0.0.3:17000 is member 3 already", "is member 3 already"],
  ])("is told at once of a refusal for good: %s", async (text, words) => {
    const server = await scripted(() => new ErrorReply(text));
    await expect(asking(server.target).outcome).rejects.toThrow(words);
    expect(server.asked).toHaveLength(1);
  });

  test("is not let in by an answer that is no invitation", async () => {
    const wrong: Reply[] = [
      ok,
      null,
      [],
      ["short", 3],
      [clusterId, 0],
      [clusterId, 3, "row"],
      [clusterId, 3, [1, 2, "c", 1]],
      [clusterId, 3, [1, "p", "c", 2]],
    ];
    const server = await scripted(() => wrong.shift());
    for (let left = wrong.length; left > 0; left -= 1) {
      await expect(asking(server.target).outcome).rejects.toThrow("no invitation");
    }
  });

  test("recognises something that does not speak the protocol, or hangs up", async () => {
    for (const greeting of ["HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
      const server = createServer((socket) => socket.end(greeting)).listen(0, "127.0.0.1");
      onTestFinished(() => {
        server.close();
      });
      await once(server, "listening");
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      await expect(asking({ host: "127.0.0.1", port }).outcome).rejects.toThrow(
        greeting === "" ? "closed the connection" : "does not speak the Redis protocol",
      );
    }
  });
});
