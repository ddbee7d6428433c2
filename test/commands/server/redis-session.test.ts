// The session commands beside redis-server 7.0.15: replies byte for byte, and what they declare.

import Parser from "redis-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeReply } from "../../../src/resp/encode-reply.ts";
import { commandDocs, commandInfo, fullName } from "../../../src/state/commands/derive.ts";
import { type Oracle, startOracle } from "../../support/oracle.ts";
import { requireTool } from "../../support/process-tools.ts";
import { encodeRequest, RawClient } from "../../support/raw-client.ts";
import { allCommands, SessionRunner } from "../../support/session-run.ts";

/** Words of one request per line, separated by spaces; `''` is an empty word, `_` within one a space. */
const transcripts: Readonly<Record<string, string>> = {
  "AUTH without a password": `
    AUTH
    AUTH a
    AUTH a b
    AUTH default b
    AUTH a b c`,
  HELLO: `
    HELLO x
    HELLO 4
    HELLO 3.0
    HELLO -2
    HELLO 2 AUTH a
    HELLO 2 AUTH a b
    HELLO 2 SETNAME a_b
    HELLO 2 SETNAME
    HELLO 2 foo
    HELLO 2 SETNAME foo AUTH a b
    CLIENT GETNAME
    HELLO
    HELLO 3
    HELLO
    HELLO 3 auth default x setname bar
    CLIENT GETNAME
    HELLO 3 SETNAME ''
    CLIENT GETNAME
    HELLO 2
    CLIENT GETNAME`,
  "PING, ECHO, SELECT": `
    PING
    PING a
    PING a b
    ECHO
    ECHO a
    ECHO a b
    SELECT a
    SELECT ''
    SELECT 007
    SELECT -0
    SELECT 99999999999999999999
    SELECT 3000000000
    SELECT 9007199254740993
    SELECT -2147483649
    SELECT -1
    SELECT 16
    SELECT 15
    SELECT 0
    SELECT
    RESET x
    RESET`,
  "CLIENT names and modes": `
    CLIENT
    CLIENT FOO
    CLIENT ID x
    CLIENT ID
    CLIENT GETNAME
    CLIENT SETNAME a_b
    CLIENT SETNAME foo
    CLIENT GETNAME
    CLIENT SETNAME ''
    CLIENT GETNAME
    CLIENT SETNAME
    CLIENT GETNAME x
    CLIENT REPLY
    CLIENT REPLY foo
    CLIENT REPLY on
    CLIENT NO-EVICT
    CLIENT NO-EVICT foo
    CLIENT NO-EVICT ON
    CLIENT NO-EVICT off
    CLIENT GETREDIR
    CLIENT TRACKINGINFO
    HELLO 3
    CLIENT TRACKINGINFO`,
  "CLIENT LIST": `
    CLIENT LIST TYPE
    CLIENT LIST TYPE foo
    CLIENT LIST TYPE master
    CLIENT LIST TYPE Replica
    CLIENT LIST TYPE slave
    CLIENT LIST TYPE pubsub
    CLIENT LIST TYPE normal x
    CLIENT LIST ID
    CLIENT LIST ID a
    CLIENT LIST ID 9999
    CLIENT LIST ID -1
    CLIENT LIST id 9999 a
    CLIENT LIST id 9999 9998
    CLIENT LIST foo
    CLIENT INFO x
    HELLO 3
    CLIENT LIST ID 9999`,
  "CLIENT KILL": `
    CLIENT KILL
    CLIENT KILL 1.1.1.1:1
    CLIENT KILL ID
    CLIENT KILL SKIPME
    CLIENT KILL ID a
    CLIENT KILL ID 0
    CLIENT KILL ID -1
    CLIENT KILL ID 9999
    CLIENT KILL ID 99999999999999999999
    CLIENT KILL TYPE foo
    CLIENT KILL TYPE slave
    CLIENT KILL TYPE REPLICA
    CLIENT KILL TYPE primary
    CLIENT KILL TYPE normal SKIPME yes
    CLIENT KILL USER foo
    CLIENT KILL USER default
    CLIENT KILL ADDR 1.1.1.1:1 LADDR 1.1.1.1:1
    CLIENT KILL ADDR 1.1.1.1:1 SKIPME no
    CLIENT KILL SKIPME x
    CLIENT KILL SKIPME yes
    CLIENT KILL FOO bar
    CLIENT KILL ID 9999 ADDR`,
  "CLIENT PAUSE": `
    CLIENT PAUSE
    CLIENT PAUSE a
    CLIENT PAUSE -1
    CLIENT PAUSE 1 FOO
    CLIENT PAUSE a FOO
    CLIENT PAUSE 1 ALL x
    CLIENT PAUSE 9999999999999999999
    CLIENT PAUSE 9223372036854775807
    CLIENT UNPAUSE
    CLIENT PAUSE 0 WRITE
    CLIENT PAUSE 0 all
    CLIENT PAUSE 0
    CLIENT UNPAUSE
    CLIENT UNPAUSE x`,
  COMMAND: `
    COMMAND COUNT x
    COMMAND FOO
    COMMAND HELP x
    COMMAND LIST FOO
    COMMAND LIST FILTERBY
    COMMAND LIST FILTERBY MODULE
    COMMAND LIST FILTERBY MODULE x
    COMMAND LIST FILTERBY ACLCAT foo
    COMMAND LIST FILTERBY FOO x
    COMMAND LIST FILTERBY PATTERN x y
    COMMAND LIST FILTERBY PATTERN ECHO
    COMMAND LIST FILTERBY PATTERN [sS]wap*
    COMMAND INFO foo
    COMMAND INFO config|foo
    COMMAND INFO config|
    COMMAND INFO get|foo
    COMMAND INFO CONFIG|GET echo foo
    COMMAND DOCS foo
    COMMAND GETKEYS
    COMMAND GETKEYS foo
    COMMAND GETKEYS foo bar
    COMMAND GETKEYS client foo
    COMMAND GETKEYS client id
    COMMAND GETKEYS ping x
    COMMAND GETKEYS select 1 2
    COMMAND GETKEYSANDFLAGS foo bar
    COMMAND GETKEYSANDFLAGS ping x
    COMMAND HELP
    HELLO 3
    COMMAND INFO foo echo
    COMMAND DOCS foo
    COMMAND HELP`,
  CONFIG: `
    CONFIG
    CONFIG FOO
    CONFIG GET
    CONFIG GET nosuch
    CONFIG GET save
    CONFIG GET MaxMemory maxmemory
    CONFIG GET maxmemory-po?icy
    CONFIG SET
    CONFIG SET a
    CONFIG SET a b
    CONFIG SET a b c
    CONFIG SET maxmemory 0 foo 2
    CONFIG SET foo 1 foo 2
    CONFIG SET MAXMEMORY 0 maxmemory 0
    CONFIG SET maxmemory 0 save ''
    CONFIG REWRITE x
    CONFIG RESETSTAT
    CONFIG HELP
    HELLO 3
    CONFIG GET save
    CONFIG GET nosuch`,
  DEBUG: `
    DEBUG
    DEBUG FOO
    DEBUG SLEEP
    DEBUG SLEEP a
    DEBUG SLEEP 0.001
    DEBUG SLEEP -1
    DEBUG SET-ACTIVE-EXPIRE
    DEBUG SET-ACTIVE-EXPIRE 1
    DEBUG ERROR
    DEBUG ERROR FOO_bar
    DEBUG ERROR ''
    DEBUG HELP x
    DEBUG PROTOCOL
    DEBUG PROTOCOL foo
    DEBUG PROTOCOL string x`,
  "the node": `
    DBSIZE x
    LASTSAVE x
    INFO foo
    INFO modules
    INFO foo Cluster bar
    LOLWUT VERSION a
    LOLWUT VERSION 99999999999999999999
    ROLE x
    SAVE x
    SAVE
    BGSAVE x
    BGSAVE SCHEDULE x
    SHUTDOWN ABORT
    SHUTDOWN ABORT abort
    SHUTDOWN FOO
    SHUTDOWN SAVE NOSAVE
    SHUTDOWN ABORT NOW
    TIME x
    HELLO 3
    INFO foo
    INFO cluster`,
  QUIT: `
    QUIT`,
};

const protocolExamples =
  "string integer double null array set map attrib push verbatim true false bignum".split(" ");

function requestsOf(transcript: string): string[][] {
  const word = (text: string) => (text === "''" ? "" : text.replaceAll("_", " "));
  return transcript
    .trim()
    .split("\n")
    .map((line) => line.trim().split(" ").map(word));
}

/** As a node sends it: pushes before the reply, both in the protocol of the moment. */
async function ourBytes(runner: SessionRunner, words: readonly string[]): Promise<string> {
  const { client } = runner.context;
  const reply = await runner.run(...words);
  const pushed = client.pushed.splice(0).map((push) => encodeReply(push, client.protocol));
  return pushed.join("") + encodeReply(reply, client.protocol);
}

/** One conversation with both, and where it differs. */
async function compare(port: number, requests: readonly string[][], setUp?: Prepare) {
  const redis = await RawClient.connect(port);
  try {
    const runner = new SessionRunner(await clientId(redis));
    setUp?.(runner);
    const theirs: string[] = [];
    const ours: string[] = [];
    for (const words of requests) {
      const title = `${words.join(" ")} => `;
      theirs.push(title + (await redis.batch(encodeRequest(words))).toString("latin1"));
      ours.push(title + (await ourBytes(runner, words)));
    }
    expect(ours).toEqual(theirs);
  } finally {
    redis.close();
  }
}

type Prepare = (runner: SessionRunner) => void;

/** 0 when the server asks for a password first. */
async function clientId(redis: RawClient): Promise<number> {
  return Number(/^:(\d+)/.exec(await redis.ask("CLIENT", "ID"))?.[1] ?? 0);
}

function parse(bytes: string): unknown {
  let parsed: unknown;
  const parser = new Parser({
    returnReply: (reply: unknown) => {
      parsed = reply;
    },
    returnError: (error: Error) => {
      throw error;
    },
  });
  parser.execute(Buffer.from(bytes, "latin1"));
  return parsed;
}

const pairsOf = (flat: readonly unknown[]) =>
  flat.flatMap((name, at) => (at % 2 === 0 ? [[String(name), flat[at + 1]] as const] : []));

/** A row of COMMAND INFO without its subcommands; sets in alphabetical order. */
function comparableInfo(row: unknown): unknown {
  const fields = (row as unknown[]).slice(0, 9);
  return fields.map((field) => (Array.isArray(field) ? [...field].sort() : field));
}

/** A description of COMMAND DOCS without the sentences, which are our own. */
function comparableDocs(flat: unknown): unknown {
  const docs = new Map<string, unknown>(pairsOf(flat as unknown[]));
  const history = (docs.get("history") as [string, string][] | undefined)?.map(
    ([version]) => version,
  );
  return {
    since: docs.get("since"),
    group: docs.get("group"),
    hasComplexity: docs.has("complexity"),
    flags: docs.get("doc_flags"),
    history,
    arguments: docs.get("arguments"),
  };
}

describe.skipIf(!requireTool("redis-server"))("session commands beside redis-server", () => {
  let oracle: Oracle;
  let guarded: Oracle;

  beforeAll(async () => {
    [oracle, guarded] = await Promise.all([
      startOracle("--enable-debug-command", "yes"),
      startOracle(),
    ]);
    const redis = await RawClient.connect(guarded.port);
    await redis.ask("CONFIG", "SET", "requirepass", "sesame");
    redis.close();
  });
  afterAll(async () => {
    await Promise.all([oracle?.stop(), guarded?.stop()]);
  });

  test.each(Object.entries(transcripts))(
    "%s answers byte for byte alike",
    async (_, transcript) => {
      await compare(oracle.port, requestsOf(transcript));
    },
  );

  test.each(["2", "3"])("DEBUG PROTOCOL shows every type in protocol %s", async (protocol) => {
    const requests = protocolExamples.map((type) => ["DEBUG", "PROTOCOL", type]);
    await compare(oracle.port, [["HELLO", protocol], ...requests]);
  });

  test("HELLO and AUTH treat a client that needs a password alike", async () => {
    const requests = requestsOf(`
      HELLO
      HELLO 3
      HELLO 9
      HELLO 2 foo
      HELLO 2 SETNAME a_b
      HELLO 2 SETNAME foo
      AUTH x
      AUTH default x
      AUTH a b c
      HELLO 2 AUTH default x
      HELLO 2 AUTH other sesame
      AUTH sesame
      CLIENT GETNAME
      AUTH default x
      AUTH x
      HELLO 2 AUTH default sesame SETNAME bar
      CLIENT GETNAME
      DEBUG SLEEP 0
      DEBUG HELP`);
    const redis = await RawClient.connect(guarded.port);
    try {
      const runner = new SessionRunner(0);
      runner.context.server.config.values.set("requirepass", "sesame");
      runner.context.server.config.values.set("enable-debug-command", "no");
      runner.context.client.authenticated = false;
      const numbers = /:\d+\r\n/g; // The client's id in HELLO, which it cannot ask for yet.
      for (const words of requests) {
        const theirs = (await redis.ask(...words)).replace(numbers, ":n\r\n");
        const ours = (await ourBytes(runner, words)).replace(numbers, ":n\r\n");
        expect(`${words.join(" ")} => ${ours}`).toBe(`${words.join(" ")} => ${theirs}`);
      }
    } finally {
      redis.close();
    }
  });

  test("CLIENT LIST has the fields of 7.0 in their order, then those of 7.2", async () => {
    const redis = await RawClient.connect(oracle.port);
    try {
      const names = (line: string) => [...line.matchAll(/([a-z-]+)=/g)].map(([, name]) => name);
      const theirs = names(await redis.ask("CLIENT", "INFO"));
      const ours = names(encodeReply(await new SessionRunner().run("CLIENT", "INFO"), 2));
      expect(ours).toEqual([...theirs, "lib-name", "lib-ver"]);
    } finally {
      redis.close();
    }
  });

  test.each(["CLIENT", "DEBUG"])("%s HELP has Redis' lines in Redis' order", async (name) => {
    const redis = await RawClient.connect(oracle.port);
    try {
      const theirs = parse(await redis.ask(name, "HELP")) as string[];
      const ours = parse(encodeReply(await new SessionRunner().run(name, "HELP"), 2)) as string[];
      // SETINFO and NO-TOUCH are younger than the oracle.
      const younger = /^(SETINFO|NO-TOUCH)|LIB-NAME|access times of keys/;
      const known = ours.filter((line) => !younger.test(line));
      expect(known.filter((line) => !theirs.includes(line))).toEqual([]);
      expect(known[0]).toBe(theirs[0]);
      expect(known.slice(-2)).toEqual(theirs.slice(-2));
      if (name === "CLIENT") expect(known).toEqual(theirs.filter((line) => known.includes(line)));
    } finally {
      redis.close();
    }
  });

  test("every field of INFO is one that Redis has, or our own by its name", async () => {
    const redis = await RawClient.connect(oracle.port);
    try {
      const fields = (text: string) =>
        [...text.matchAll(/^([a-z_0-9]+):/gm)].map(([, name]) => name);
      const theirs = new Set(fields(await redis.ask("INFO", "everything")));
      const runner = new SessionRunner();
      const ours = fields(encodeReply(await runner.run("INFO", "everything"), 2));
      const own = /^(raft_.*|kvorum_version|slave\d+|db\d+)$/;
      expect(ours.filter((name) => !theirs.has(name) && !own.test(String(name)))).toEqual([]);
      expect(ours.length).toBeGreaterThan(50);
    } finally {
      redis.close();
    }
  });

  test("LOLWUT ends as in Redis", async () => {
    const redis = await RawClient.connect(oracle.port);
    try {
      const theirs = parse(await redis.ask("LOLWUT")) as string;
      const ours = parse(encodeReply(await new SessionRunner().run("LOLWUT"), 2)) as string;
      expect(ours.endsWith(theirs)).toBe(true);
    } finally {
      redis.close();
    }
  });

  /** Commands that redis-server 7.0 has not. */
  const younger = /^(raft(\|.*)?|client\|(setinfo|no-touch))$/;
  const shared = allCommands().filter((command) => !younger.test(fullName(command)));

  test.each(shared.map((command) => [fullName(command), command] as const))(
    "%s declares what Redis declares",
    async (name, command) => {
      const redis = await RawClient.connect(oracle.port);
      try {
        const [info] = parse(await redis.ask("COMMAND", "INFO", name)) as unknown[];
        const [, docs] = parse(await redis.ask("COMMAND", "DOCS", name)) as unknown[];
        const ourInfo = parse(encodeReply(commandInfo(command), 2));
        const ourDocs = parse(encodeReply(commandDocs(command), 2));
        expect(comparableInfo(ourInfo)).toEqual(comparableInfo(info));
        expect(comparableDocs(ourDocs)).toEqual(comparableDocs(docs));
      } finally {
        redis.close();
      }
    },
  );
});
