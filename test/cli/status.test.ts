import { describe, expect, test } from "vitest";
import { describeStatus, runStatus } from "../../src/cli/status.ts";
import { readStatus } from "../../src/cli/status-reply.ts";
import { ErrorReply, MapReply, type Reply } from "../../src/resp/reply.ts";
import { Captured, freePort, scripted } from "./support.ts";

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
  const output = new Captured(true);
  const code = await runStatus({ ...server.target, password, watchMs: null }, output);
  return { code, printed: output.printed, complained: output.complained, asked: server.asked };
}

function described(reply: Reply): string {
  const read = readStatus(reply);
  if (read === null) throw new Error("no status");
  return describeStatus(read);
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
    const text = described(status("follower", 0, [member(1, "voter", [])]));
    expect(text).toContain("no leader");
    expect(text).toContain("*  1     voter  10.0.0.1:7000  10.0.0.1:17000  -    -       -\n");
    expect(text).toContain("known to the leader only");
  });

  test("says that the node itself was removed", () => {
    const text = described(status("removed", 0, [member(2, "voter", [])]));
    expect(text).toContain("node 1 (*) is removed");
    expect(text).toContain("this node was removed from the cluster: ask another one\n");
  });

  test("--watch shows it again every second, through errors", async () => {
    const replies = [new ErrorReply("LOADING still"), status("leader", 1, [])];
    const server = await scripted(() => replies.shift() ?? status("leader", 2, []));
    const output = new Captured(true);
    const stop = new AbortController();
    const options = { ...server.target, password: "", watchMs: 5 };
    const code = runStatus(options, output, stop.signal);
    await output.prints("leader is node 2");
    stop.abort();
    expect(await code).toBe(0);
    expect(output.printed.split("\x1b[H\x1b[J").slice(1, 4)).toEqual([
      "kvorum: LOADING still\n\n",
      expect.stringContaining("leader is node 1"),
      expect.stringContaining("leader is node 2"),
    ]);
  });

  test("reads maps as RESP2 flattens them", () => {
    const flat = ["node-id", 1, "role", "leader", "leader", 1, "members", [["id", 1]]];
    expect(described(flat)).toContain("leader is node 1");
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
    const output = new Captured(true);
    const port = await freePort();
    const options = { host: "127.0.0.1", port, password: "", watchMs: null };
    expect(await runStatus(options, output)).toBe(1);
    expect(output.complained).toBe(`kvorum: 127.0.0.1:${port}: Connection refused\n`);
  });
});
