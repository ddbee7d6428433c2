import { describe, expect, test } from "vitest";
import { describeStatus, runStatus } from "../../src/cli/status.ts";
import { ErrorReply, MapReply, type Reply } from "../../src/resp/reply.ts";
import { freePort, scripted } from "./support.ts";

const member = (id: number, role: string, known: readonly Reply[]) =>
  new MapReply([
    ["id", id],
    ["role", role],
    ["client-address", `10.0.0.${id}:7000`],
    ["peer-address", `10.0.0.${id}:17000`],
    ["match-index", known[0] ?? null],
    ["lag", known[1] ?? null],
    ["active", known[2] ?? null],
  ]);

const status = (role: string, leader: number, members: readonly Reply[]) =>
  new MapReply([
    ["cluster-id", "c0ffee"],
    ["node-id", 1],
    ["role", role],
    ["term", 4],
    ["leader", leader],
    ["commit-index", 120],
    ["applied-index", 118],
    ["lag", 2],
    ["log-bytes", 4096],
    ["members", members],
  ]);

async function run(answer: () => Reply, password = "") {
  const server = await scripted(answer);
  let printed = "";
  let complained = "";
  const code = await runStatus(
    { ...server.target, password },
    (text) => {
      printed += text;
    },
    (text) => {
      complained += text;
    },
  );
  return { code, printed, complained, asked: server.asked };
}

describe("kvorum status", () => {
  test("shows what the leader knows of everybody as a table", async () => {
    const reply = status("leader", 1, [
      member(1, "leader", [120, 0, 1]),
      member(2, "voter", [119, 1, 1]),
      member(3, "learner", [7, 113, 0]),
    ]);
    const { code, printed, asked } = await run(() => reply);
    expect(asked).toEqual(["RAFT STATUS"]);
    expect(code).toBe(0);
    expect(printed).toBe(
      [
        "cluster c0ffee, term 4, leader is node 1",
        "node 1 (*) is leader: committed 120, applied 118, log 4096 bytes",
        "",
        "   node  role     clients        peers           log  behind  state",
        "*  1     leader   10.0.0.1:7000  10.0.0.1:17000  120  0       answers",
        "   2     voter    10.0.0.2:7000  10.0.0.2:17000  119  1       answers",
        "   3     learner  10.0.0.3:7000  10.0.0.3:17000  7    113     silent",
        "",
      ].join("\n"),
    );
  });

  test("says what only the leader knows, and that there is none", () => {
    const text = describeStatus(status("follower", 0, [member(1, "voter", [])]));
    expect(text).toContain("no leader");
    expect(text).toContain("*  1     voter  10.0.0.1:7000  10.0.0.1:17000  -    -       -\n");
    expect(text).toContain("known to the leader only");
  });

  test("reads maps as RESP2 flattens them", () => {
    const flat = ["node-id", 1, "role", "leader", "leader", 1, "members", [["id", 1]]];
    expect(describeStatus(flat)).toContain("leader is node 1");
  });

  test("fails with one line on an error, an answer that is none, and a dead port", async () => {
    const refused = await run(() => new ErrorReply("NOAUTH Authentication required."));
    expect(refused).toMatchObject({
      code: 1,
      printed: "",
      complained: "kvorum: NOAUTH Authentication required.\n",
    });
    const odd = await run(() => ["members"]);
    expect(odd).toMatchObject({ code: 1, complained: "kvorum: the answer is no status\n" });
    let complained = "";
    const port = await freePort();
    const options = { host: "127.0.0.1", port, password: "" };
    const code = await runStatus(
      options,
      () => undefined,
      (text) => {
        complained += text;
      },
    );
    expect(code).toBe(1);
    expect(complained).toBe(`kvorum: 127.0.0.1:${port}: Connection refused\n`);
  });
});
