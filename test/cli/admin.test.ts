import { describe, expect, test } from "vitest";
import { type AdminAction, runAdmin } from "../../src/cli/admin.ts";
import { catchUpOf, describeCatchUp } from "../../src/cli/catch-up.ts";
import { logJoining } from "../../src/cli/joining.ts";
import { ErrorReply, MapReply, ok, type Reply } from "../../src/resp/reply.ts";
import { Captured, scripted } from "./support.ts";

const member = (id: number, role: string, match: number | null, lag: number | null) =>
  new MapReply([
    ["id", id],
    ["role", role],
    ["client-address", `127.0.0.1:${id}`],
    ["match-index", match],
    ["lag", lag],
  ]);

const status = (leader: number, members: readonly Reply[], role = "leader") =>
  new MapReply([
    ["role", role],
    ["leader", leader],
    ["members", members],
  ]);

const newMember = {
  client: { host: "127.0.0.1", port: 7003 },
  peer: { host: "127.0.0.1", port: 17_003 },
};
const invitation: Reply = ["c0ffee", 4, [1, "127.0.0.1:17000", "127.0.0.1:7000", 1]];

async function run(
  action: AdminAction,
  answer: (words: readonly string[]) => Reply | undefined,
  isTerminal = true,
) {
  const server = await scripted(answer);
  const output = new Captured(isTerminal);
  const code = await runAdmin(action, { ...server.target, password: "" }, output, 1);
  const { printed, complained, lines } = output;
  return { code, printed, complained, lines, asked: server.asked, port: server.target.port };
}

/** RAFT STATUS answers in turn, the last one again and again; every other command its own answer. */
function answers(others: Readonly<Record<string, Reply>>, ...statuses: readonly Reply[]) {
  const left = [...statuses];
  return ([, verb = ""]: readonly string[]): Reply | undefined => {
    if (verb !== "STATUS") return others[verb];
    return left.length > 1 ? left.shift() : left[0];
  };
}

const learning = [
  status(1, [member(1, "leader", 9, 0), member(4, "learner", 0, 9)]),
  status(1, [member(1, "leader", 9, 0), member(4, "learner", 0, 9)]),
  status(1, [member(1, "leader", 9, 0), member(4, "learner", 12_345, 87_654)]),
  status(1, [member(1, "leader", 9, 0), member(4, "voter", 99_999, 0)]),
];

describe("kvorum add", () => {
  test("says how to start the node, shows how it catches up, and ends when it votes", async () => {
    const script = answers({ ADD: invitation }, ...learning);
    const { code, lines, asked, port } = await run({ verb: "add", member: newMember }, script);
    expect(code).toBe(0);
    expect(asked[0]).toBe("RAFT ADD 127.0.0.1:7003 127.0.0.1:17003");
    expect(lines).toEqual([
      "node 4 is admitted; start it with kvorum --bind 127.0.0.1 --port 7003 " +
        `--dir <an empty directory> --join 127.0.0.1:${port}`,
      "node 4 has not been heard of yet",
      "node 4 has 12,345 of 99,999 entries (12 %)",
      "node 4 has caught up and votes",
    ]);
  });

  test("writes lines of JSON when nobody reads along", async () => {
    const script = answers({ ADD: invitation }, ...learning.slice(2));
    const { lines } = await run({ verb: "add", member: newMember }, script, false);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { node: 4, state: "admitted" },
      { node: 4, state: "learner", entries: 12_345, of: 99_999, percent: 12 },
      { node: 4, state: "voter" },
    ]);
  });

  test("fails with one line when the cluster refuses, or the node is removed meanwhile", async () => {
    const refused = await run({ verb: "add", member: newMember }, () => new ErrorReply("ERR no"));
    expect(refused).toMatchObject({ code: 1, printed: "", complained: "kvorum: ERR no\n" });
    const odd = await run({ verb: "add", member: newMember }, () => ok);
    expect(odd).toMatchObject({ code: 1, complained: "kvorum: the answer is no invitation\n" });
    const script = answers({ ADD: invitation }, status(1, [member(1, "leader", 9, 0)]));
    const removed = await run({ verb: "add", member: newMember }, script);
    expect(removed).toMatchObject({
      code: 1,
      complained: "kvorum: node 4 was removed before it could vote\n",
    });
  });
});

test("kvorum remove and transfer say what has become of it", async () => {
  const removed = await run({ verb: "remove", id: 3 }, () => ok);
  expect(removed.asked).toEqual(["RAFT REMOVE 3"]);
  expect(removed.printed).toBe("node 3 is removed: stop it if it still runs\n");
  const script = answers({ TRANSFER: ok }, status(2, [], "follower"));
  const moved = await run({ verb: "transfer", id: null }, script, false);
  expect(moved.asked).toEqual(["RAFT TRANSFER", "RAFT STATUS"]);
  expect(moved.printed).toBe('{"node":2,"state":"leader"}\n');
  const unknown = await run({ verb: "remove", id: 3 }, () => new ErrorReply("UNKNOWN see"));
  expect(unknown).toMatchObject({ code: 1, complained: "kvorum: UNKNOWN see\n" });
});

describe("kvorum replace", () => {
  test("removes the old member only when the new one votes", async () => {
    const rows = [member(1, "leader", 9, 0), member(3, "voter", 9, 0)];
    const script = answers({ ADD: invitation, REMOVE: ok }, status(1, rows), ...learning.slice(2));
    const { code, asked } = await run({ verb: "replace", id: 3, member: newMember }, script);
    expect(code).toBe(0);
    expect(asked).toEqual([
      "RAFT STATUS",
      "RAFT ADD 127.0.0.1:7003 127.0.0.1:17003",
      "RAFT STATUS",
      "RAFT STATUS",
      "RAFT REMOVE 3",
    ]);
  });

  test("adds nobody when there is no such member", async () => {
    const script = answers({}, status(1, [member(1, "leader", 9, 0)]));
    const refused = await run({ verb: "replace", id: 3, member: newMember }, script);
    expect(refused).toMatchObject({ code: 1, asked: ["RAFT STATUS"] });
    expect(refused.complained).toContain("there is no member 3");
  });
});

describe("the progress of a learner", () => {
  test("is asked of the leader, whoever was asked first", async () => {
    const leader = await scripted(() => learning[3]);
    const asFollower = status(
      2,
      [
        new MapReply([
          ["id", 2],
          ["client-address", `127.0.0.1:${leader.target.port}`],
        ]),
      ],
      "follower",
    );
    const { code } = await run(
      { verb: "add", member: newMember },
      answers({ ADD: invitation }, asFollower),
    );
    expect(code).toBe(0);
    expect(leader.asked).toEqual(["RAFT STATUS"]);
  });

  test("has a place for a snapshot", () => {
    const row = new Map<string, Reply>([
      ["role", "learner"],
      ["snapshot-percent", 37],
    ]);
    const now = catchUpOf(4, row);
    expect(now).toEqual({ node: 4, state: "snapshot", percent: 37 });
    expect(now && describeCatchUp(now)).toBe("node 4 is being sent a snapshot (37 %)");
  });

  async function joining(...statuses: readonly Reply[]) {
    const server = await scripted(answers({}, ...statuses));
    const lines: (readonly unknown[])[] = [];
    await logJoining({
      node: 4,
      through: server.target,
      password: "",
      log: (line, fields) => lines.push([line, fields]),
      signal: new AbortController().signal,
      pauseMs: 1,
    });
    return lines;
  }

  test("is in the log of the node that joins, while nobody leads too", async () => {
    const refused = new ErrorReply("LOADING not yet");
    expect(await joining(status(0, [], "learner"), refused, ...learning)).toEqual([
      ["node 4 has 12,345 of 99,999 entries (12 %)", { entries: 12_345, of: 99_999, percent: 12 }],
      ["node 4 has caught up and votes", {}],
    ]);
  });

  test("is nothing to speak of when the node votes already", async () => {
    expect(await joining(learning[3] as Reply)).toEqual([]);
  });
});
