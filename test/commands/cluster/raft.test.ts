// RAFT: what the administrator of a cluster sees and asks for.

import { describe, expect, test } from "vitest";
import { errors } from "../../../src/resp/errors.ts";
import { type MapReply, plain, type Reply, type SimpleString } from "../../../src/resp/reply.ts";
import { member } from "../../support/session-context.ts";
import { SessionRunner } from "../../support/session-run.ts";

/** What a map reply holds; its members apart, because each is a map reply again. */
function asObject(reply: Reply | undefined): { members?: Reply } & Record<string, Reply> {
  return Object.fromEntries(plain((reply as MapReply).entries));
}

describe("RAFT STATUS", () => {
  test("tells this node's part in the cluster", async () => {
    const { members, ...status } = asObject(await new SessionRunner().run("RAFT", "STATUS"));
    expect(members).toHaveLength(3);
    expect(status).toEqual({
      "cluster-id": "c".repeat(40),
      "node-id": 1,
      role: "leader",
      term: 3,
      leader: 1,
      "commit-index": 120,
      "applied-index": 118,
      lag: 2,
      "log-bytes": 9000,
    });
  });

  test("tells on the leader how far every member is", async () => {
    const status = asObject(await new SessionRunner().run("RAFT", "STATUS"));
    const [leader, voter, learner] = (status.members as Reply[]).map(asObject);
    expect(leader).toMatchObject({ id: 1, role: "leader", "match-index": 121, lag: 0, active: 1 });
    expect(voter).toEqual({
      id: 2,
      role: "voter",
      "client-address": "10.0.0.2:7000",
      "peer-address": "10.0.0.2:17000",
      "match-index": 119,
      lag: 2,
      active: 1,
      "clock-offset-ms": -12,
    });
    expect(learner).toMatchObject({ "clock-offset-ms": null });
    expect(learner).toMatchObject({ role: "learner", "match-index": 50, lag: 71, active: 0 });
  });

  test("says that this node was removed; one that knows no members yet was not", async () => {
    const runner = new SessionRunner();
    const { raft } = runner.context.server;
    const other = member(2, { voter: true, matchIndex: null, active: null });
    raft.current = { ...raft.current, role: "follower", members: [other] };
    expect(asObject(await runner.run("RAFT", "STATUS"))).toMatchObject({ role: "removed" });
    raft.current = { ...raft.current, role: "learner", members: [] };
    expect(asObject(await runner.run("RAFT", "STATUS"))).toMatchObject({ role: "learner" });
  });

  test("shows how much of a snapshot a member has, while one is on its way", async () => {
    const runner = new SessionRunner();
    const { raft } = runner.context.server;
    const behind = member(3, { voter: false, matchIndex: 0, active: true });
    raft.current = {
      ...raft.current,
      members: [behind, { ...behind, id: 4, snapshotPercent: 37 }],
    };
    const status = asObject(await runner.run("RAFT", "STATUS"));
    const rows = (status.members as Reply[]).map((row) => asObject(row)["snapshot-percent"]);
    expect(rows).toEqual([undefined, 37]);
  });

  test("says null where only the leader knows", async () => {
    const runner = new SessionRunner();
    const { raft } = runner.context.server;
    const unknown = { voter: true, matchIndex: null, active: null };
    raft.current = { ...raft.current, leaderId: 2, members: [member(1, unknown)] };
    const status = asObject(await runner.run("RAFT", "STATUS"));
    expect(asObject((status.members as Reply[])[0])).toMatchObject({
      role: "voter",
      "match-index": null,
      lag: null,
      active: null,
    });
  });
});

describe("RAFT membership", () => {
  test("ADD takes the client address first", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("RAFT", "ADD", "10.0.0.4:7000", "[::1]:17000")).toBe(1);
    const directory = "0123456789abcdef".repeat(2);
    expect(await runner.run("RAFT", "ADD", "h:1", "h:2", directory)).toBe(2);
    expect(runner.context.server.raft.asked).toEqual([
      ["add", "[::1]:17000", "10.0.0.4:7000", undefined],
      ["add", "h:2", "h:1", directory],
    ]);
  });

  test("ADD takes for a directory nothing but 32 hex digits", async () => {
    const runner = new SessionRunner();
    for (const text of ["", "0", "x".repeat(32), "0".repeat(31), "0".repeat(33)]) {
      expect(await runner.run("RAFT", "ADD", "h:1", "h:2", text)).toBe(errors.syntax);
    }
    expect(runner.context.server.raft.asked).toEqual([]);
  });

  test.each([
    "host",
    ":7000",
    "host:",
    "host:0",
    "host:65536",
    "host:07",
    "a b:1",
    "host:1\r\n",
    `${"a".repeat(300)}:1`,
  ])("ADD refuses the address %j, wherever it stands", async (address) => {
    const runner = new SessionRunner();
    const refusal = errors.invalidAddress(address);
    expect(await runner.run("RAFT", "ADD", address, "host:1")).toEqual(refusal);
    expect(await runner.run("RAFT", "ADD", "host:1", address)).toEqual(refusal);
    expect(runner.context.server.raft.asked).toEqual([]);
  });

  test("REMOVE and TRANSFER name a member; TRANSFER alone leaves the choice to the leader", async () => {
    const runner = new SessionRunner();
    await runner.run("RAFT", "REMOVE", "3");
    await runner.run("RAFT", "TRANSFER", "2");
    await runner.run("RAFT", "TRANSFER");
    expect(runner.context.server.raft.asked).toEqual([
      ["remove", 3],
      ["transfer", 2],
      ["transfer", null],
    ]);
  });

  test.each(["0", "-1", "x", "", "9007199254740993"])("no member has the id %j", async (id) => {
    const runner = new SessionRunner();
    expect(await runner.run("RAFT", "REMOVE", id)).toBe(errors.invalidNodeId);
    expect(await runner.run("RAFT", "TRANSFER", id)).toBe(errors.invalidNodeId);
    expect(runner.context.server.raft.asked).toEqual([]);
  });

  test("words too many are refused", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("RAFT", "TRANSFER", "1", "2")).toBe(errors.syntax);
    const directory = "0".repeat(32);
    expect(await runner.run("RAFT", "ADD", "h:1", "h:2", directory, "x")).toBe(errors.syntax);
    expect(await runner.run("RAFT", "REMOVE", "1", "2")).toEqual(errors.arity("raft|remove"));
  });
});

test("RAFT HELP names every subcommand", async () => {
  const lines = (await new SessionRunner().run("RAFT", "HELP")) as SimpleString[];
  const names = lines.map(({ text }) => /^[A-Z]+/.exec(text)?.[0]).filter(Boolean);
  expect(names).toEqual(["RAFT", "ADD", "REMOVE", "STATUS", "TRANSFER", "HELP"]);
});
