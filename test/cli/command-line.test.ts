import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../src/cli/command-line.ts";
import { optionNames, optionOf } from "../../src/node/config/config-options.ts";

const parse = (line: string, environment: Record<string, string> = {}) =>
  parseCommandLine(line.split(" ").filter(Boolean), environment, "1.2.3");

/** What is printed to stderr for a mistake; it is always one line. */
function complaint(line: string, environment: Record<string, string> = {}): string {
  const invocation = parse(line, environment);
  expect(invocation).toMatchObject({ kind: "print", exitCode: 64 });
  const text = invocation.kind === "print" ? invocation.text : "";
  expect(text).toMatch(/^kvorum: [^\n]+\n$/);
  return text.slice("kvorum: ".length, -1);
}

function served(line: string, environment: Record<string, string> = {}) {
  const invocation = parse(line, environment);
  if (invocation.kind !== "serve") throw new Error(`not served: ${JSON.stringify(invocation)}`);
  return invocation.loaded.config;
}

describe("kvorum", () => {
  test("without arguments serves with the defaults", () => {
    expect(served("")).toMatchObject({ port: 7000, peerPort: 17_000, join: null });
  });

  test("takes every option as a flag, with = or a space", () => {
    const config = served(
      "--port 1 --peer-port=2 --bind 127.0.0.1 ::1 --join 127.0.0.1:9 --announce localhost " +
        "--maxclients 3 --timeout=4 --tcp-keepalive 5 --reads lease --protected-mode no --requirepass p " +
        "--peer-secret 0123456789abcdef --loglevel debug --dir /d --proto-max-bulk-len 1mb " +
        "--client-query-buffer-limit 2mb --auto-aof-rewrite-min-size 3mb --repl-backlog-size 4mb",
    );
    expect(config).toEqual({
      port: 1,
      peerPort: 2,
      bind: [
        { host: "127.0.0.1", optional: false },
        { host: "::1", optional: false },
      ],
      dir: "/d",
      join: { host: "127.0.0.1", port: 9 },
      announce: "localhost",
      peerSecret: "0123456789abcdef",
      logLevel: "debug",
      requirepass: "p",
      protectedMode: false,
      maxClients: 3,
      bulkBytes: 1_048_576,
      requestBytes: 2_097_152,
      idleSeconds: 4,
      keepAliveSeconds: 5,
      leases: true,
      checkpointLogBytes: 3_145_728,
      retainedLogBytes: 4_194_304,
      ...{ evictionSamples: 5, evictionTenacity: 10, lfuLogFactor: 10, lfuDecayMinutes: 1 },
    });
  });

  test("prefers a flag over the environment", () => {
    const environment = { KVORUM_PORT: "5", KVORUM_TIMEOUT: "6" };
    expect(served("--port 4", environment)).toMatchObject({ port: 4, idleSeconds: 6 });
  });

  test("--help fits on one screen and names every option and command", () => {
    const invocation = parse("--help");
    expect(invocation).toMatchObject({ kind: "print", exitCode: 0 });
    const text = invocation.kind === "print" ? invocation.text : "";
    const lines = text.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    const shown = optionNames.filter((name) => optionOf(name).help !== null);
    expect(shown.length).toBeGreaterThan(10);
    for (const name of shown) expect(text).toContain(`--${name} <`);
    expect(text).toContain("kvorum cluster");
    for (const name of ["status", "add", "remove", "replace", "transfer"]) {
      expect(text).toMatch(new RegExp(`^ +kvorum .*\\b${name}\\b`, "m"));
    }
    expect(text).toContain("(64mb)");
    expect(text).toContain("(7000)");
  });

  test("--version prints the version alone", () => {
    expect(parse("--version")).toEqual({ kind: "print", text: "1.2.3\n", exitCode: 0 });
    expect(parse("status --version")).toEqual({ kind: "print", text: "1.2.3\n", exitCode: 0 });
  });

  test.each([
    ["--prot 1", "unknown option '--prot' (Did you mean --port?). See kvorum --help"],
    ["--port", "option '--port <port>' argument missing. See kvorum --help"],
    ["--port x", "--port 'x': argument couldn't be parsed into an integer"],
    ["clutser", "unknown command 'clutser'. See kvorum --help"],
    [
      "/etc/kvorum.conf --port 1",
      "a configuration file is given with --config: kvorum --config /etc/kvorum.conf",
    ],
    [
      "--config /nowhere.conf",
      "cannot read the configuration file /nowhere.conf: No such file or directory",
    ],
    ["cluster --nodes 0", "--nodes '0': argument must be between 1 and 7 inclusive"],
    [
      "cluster --nodes 3 --port 65000",
      "--port '65000': argument must be between 1 and 55533 inclusive",
    ],
    ["cluster --join 1:2", "unknown option '--join'. See kvorum --help"],
    [
      "status now",
      "too many arguments for 'status'. Expected 0 arguments but got 1. See kvorum --help",
    ],
  ])("%s is answered with a line that helps", (line, words) => {
    expect(complaint(line)).toBe(words);
  });

  test("names the variable that is wrong", () => {
    expect(complaint("", { KVORUM_TIMEOUT: "soon" })).toBe(
      "KVORUM_TIMEOUT 'soon': argument couldn't be parsed into an integer",
    );
  });

  test("never repeats a secret", () => {
    expect(complaint("--bind 0.0.0.0", { KVORUM_REQUIREPASS: "hush" })).not.toContain("hush");
    expect(complaint("--peer-secret hush --port x")).not.toContain("hush");
  });
});

describe("kvorum cluster", () => {
  test("is three nodes from port 7000 unless said otherwise", () => {
    expect(parse("cluster")).toEqual({
      kind: "cluster",
      options: { nodes: 3, port: 7000, dir: "./data/cluster", logLevel: "notice" },
    });
    expect(parse("cluster --nodes 5 --port 7100 --dir /d --loglevel debug")).toEqual({
      kind: "cluster",
      options: { nodes: 5, port: 7100, dir: "/d", logLevel: "debug" },
    });
  });

  test("has its own help", () => {
    const invocation = parse("cluster --help");
    expect(invocation).toMatchObject({ kind: "print", exitCode: 0 });
    expect(invocation.kind === "print" && invocation.text).toContain("--nodes <n>");
  });
});

describe("kvorum status", () => {
  test("asks the node on this machine, with the password of the environment", () => {
    expect(parse("status", { KVORUM_REQUIREPASS: "p", KVORUM_PORT: "7005" })).toEqual({
      kind: "status",
      options: { host: "127.0.0.1", port: 7005, password: "p", watchMs: null },
    });
    expect(parse("status --host db1 --port 1 --password q", { KVORUM_PORT: "2" })).toEqual({
      kind: "status",
      options: { host: "db1", port: 1, password: "q", watchMs: null },
    });
  });
});

describe("kvorum add, remove, replace and transfer", () => {
  const target = { host: "127.0.0.1", port: 7000, password: "" };
  const member = {
    client: { host: "db4", port: 7000 },
    peer: { host: "db4", port: 17_000 },
  };

  test.each([
    ["add db4:7000", { verb: "add", member }],
    [
      "add db4:7000 [::1]:9",
      { verb: "add", member: { ...member, peer: { host: "::1", port: 9 } } },
    ],
    ["remove 3", { verb: "remove", id: 3 }],
    ["replace 3 db4:7000", { verb: "replace", id: 3, member }],
    ["transfer", { verb: "transfer", id: null }],
    ["transfer 2", { verb: "transfer", id: 2 }],
  ])("reads %s", (line, action) => {
    expect(parse(line)).toEqual({ kind: "admin", action, target });
  });

  test("ask the node and with the password that status does", () => {
    const environment = { KVORUM_REQUIREPASS: "p", KVORUM_PORT: "7005" };
    expect(parse("remove 3 --host db1", environment)).toMatchObject({
      target: { host: "db1", port: 7005, password: "p" },
    });
  });

  test.each([
    ["add", "missing required argument 'address'. See kvorum --help"],
    ["add db4", "'db4' is no address: expected host:port"],
    ["add db4:7000 db4", "'db4' is no address: expected host:port"],
    ["remove", "missing required argument 'id'. See kvorum --help"],
    ["remove node3", "'node3' is no node id: kvorum status lists them"],
    ["remove 0", "'0' is no node id: kvorum status lists them"],
    ["replace 3", "missing required argument 'address'. See kvorum --help"],
    [
      "remove 3 4",
      "too many arguments for 'remove'. Expected 1 argument but got 2. See kvorum --help",
    ],
  ])("%s is answered with a line that helps", (line, words) => {
    expect(complaint(line)).toBe(words);
  });

  test.each(["add", "remove", "replace", "transfer", "status"])("%s has its own help", (name) => {
    const invocation = parse(`${name} --help`);
    expect(invocation).toMatchObject({ kind: "print", exitCode: 0 });
    const text = invocation.kind === "print" ? invocation.text : "";
    expect(text).toMatch(new RegExp(`^Usage: kvorum ${name} `));
    for (const option of ["--host <host>", "--port <port>", "--password <text>"]) {
      expect(text).toContain(option);
    }
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });
});
