// COMMAND, CONFIG, DEBUG, INFO and the other commands about a node.

import { describe, expect, test } from "vitest";
import { errors } from "../../../src/resp/errors.ts";
import {
  ErrorReply,
  MapReply,
  noReply,
  ok,
  PushReply,
  plain,
  type Reply,
  SetReply,
  SimpleString,
  type VerbatimReply,
} from "../../../src/resp/reply.ts";
import { commandInfo, fullName } from "../../../src/state/commands/derive.ts";
import { dbsize } from "../../../src/state/commands/server/dbsize.ts";
import { flushall } from "../../../src/state/commands/server/flushall.ts";
import { flushdb } from "../../../src/state/commands/server/flushdb.ts";
import { humanBytes } from "../../../src/state/commands/server/info-node.ts";
import { swapdb } from "../../../src/state/commands/server/swapdb.ts";
import {
  type ContainerCommand,
  type KeyFlag,
  oneKey,
  type SessionCommand,
} from "../../../src/state/commands/spec.ts";
import type { WriteView } from "../../../src/state/keyspace/views.ts";
import { fakeContext, member } from "../../support/session-context.ts";
import { allCommands, SessionRunner, sessionTable } from "../../support/session-run.ts";

const textOf = (reply: Reply) => (reply as VerbatimReply).text;

describe("COMMAND", () => {
  test("alone, and INFO without names, describe every command", async () => {
    const runner = new SessionRunner();
    const all = [...sessionTable.values()].map(commandInfo);
    expect(await runner.run("COMMAND")).toEqual(all);
    expect(await runner.run("COMMAND", "INFO")).toEqual(all);
    expect(await runner.run("COMMAND", "COUNT")).toBe(all.length);
  });

  test("LIST names commands and subcommands, all or filtered", async () => {
    const runner = new SessionRunner();
    const everything = allCommands().map(fullName);
    expect(await runner.run("COMMAND", "LIST")).toEqual(everything);
    expect(everything).toContain("client|setinfo");
    const byPattern = await runner.run("COMMAND", "LIST", "FILTERBY", "PATTERN", "Raft|?E*");
    expect(byPattern).toEqual(["raft|help", "raft|remove"]);
    const byCategory = await runner.run("COMMAND", "LIST", "filterby", "aclcat", "KEYSPACE");
    expect(byCategory).toEqual(["dbsize", "flushall", "flushdb", "swapdb"]);
  });

  test("DOCS leaves unknown names out and knows subcommands", async () => {
    const docs = (await new SessionRunner().run(
      "COMMAND",
      "DOCS",
      "no",
      "time",
      "Config|Get",
    )) as MapReply;
    expect(plain(docs.entries).map(([name]) => name)).toEqual(["time", "config|get"]);
    const all = (await new SessionRunner().run("COMMAND", "DOCS")) as MapReply;
    expect(plain(all.entries).map(([name]) => name)).toEqual([...sessionTable.keys()]);
  });

  test.each([
    ["get", ["RO", "access"], ["k"], [["k", "RO", "access"]]],
    [
      "set",
      ["RW", "access", "update", "variable_flags"],
      ["k", "v", "EX", "1"],
      [["k", "OW", "update"]],
    ],
    ["set", ["RW", "access", "update", "variable_flags"], ["k", "get"], [["k", "OW", "update"]]],
    [
      "set",
      ["RW", "access", "update", "variable_flags"],
      ["k", "v", "Get"],
      [["k", "RW", "access", "update"]],
    ],
    [
      "bitfield",
      ["RW", "access", "update", "variable_flags"],
      ["k", "get", "u8", "0"],
      [["k", "RO", "access"]],
    ],
    [
      "bitfield",
      ["RW", "access", "update", "variable_flags"],
      ["k", "incrby", "u8", "0", "1"],
      [["k", "RW", "access", "update"]],
    ],
  ] as const)("GETKEYSANDFLAGS of %s with %j and %j", async (name, flags, words, expected) => {
    const command: SessionCommand = {
      kind: "session",
      name,
      summary: "An example.",
      since: "1.0.0",
      group: "string",
      arity: -2,
      flags: [],
      keys: oneKey(...(flags as readonly KeyFlag[])),
      run: () => null,
    };
    const runner = new SessionRunner();
    const commands = new Map([...sessionTable, [name, command] as const]);
    const getKeys = sessionTable.get("command");
    const { subcommands } = getKeys as ContainerCommand;
    const subcommand = subcommands.get("getkeysandflags");
    if (subcommand?.kind !== "session") throw new Error("COMMAND has GETKEYSANDFLAGS");
    const reply = subcommand.run({ ...runner.context, commands }, [
      "COMMAND",
      "GETKEYSANDFLAGS",
      name,
      ...words,
    ]);
    expect(reply).toEqual(
      expected.map(([key, ...done]) => [
        key,
        new SetReply(done.map((flag) => new SimpleString(flag))),
      ]),
    );
  });
});

describe("CONFIG", () => {
  test("GET answers each option once, whatever patterns meet it", async () => {
    const reply = await new SessionRunner().run("CONFIG", "GET", "SAVE", "max*", "s*", "*memory");
    expect(reply).toEqual(
      new MapReply([
        ["SAVE", ""],
        ["maxclients", "10000"],
        ["maxmemory", "0"],
        ["maxmemory-policy", "noeviction"],
      ]),
    );
  });

  test("SET changes several options at once", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("CONFIG", "SET", "Save", "60 1", "maxclients", "5")).toBe(ok);
    const { values } = runner.context.server.config;
    expect([values.get("save"), values.get("maxclients")]).toEqual(["60 1", "5"]);
  });

  test("SET changes nothing when one option is unknown or named twice", async () => {
    const runner = new SessionRunner();
    await runner.run("CONFIG", "SET", "maxclients", "5", "foo", "1");
    await runner.run("CONFIG", "SET", "maxclients", "5", "MAXCLIENTS", "6");
    expect(runner.context.server.config.values.get("maxclients")).toBe("10000");
  });

  test("SET and REWRITE pass on why the node refuses", async () => {
    const runner = new SessionRunner();
    const { config } = runner.context.server;
    config.refusal = errors.configSetFailed("save", "Invalid save parameters");
    config.rewriteRefusal = new ErrorReply("ERR The server is running without a config file");
    expect(await runner.run("CONFIG", "SET", "save", "x")).toBe(config.refusal);
    expect(await runner.run("CONFIG", "REWRITE")).toBe(config.rewriteRefusal);
    config.rewriteRefusal = null;
    expect(await runner.run("CONFIG", "REWRITE")).toBe(ok);
  });

  test("RESETSTAT sets the counters back", async () => {
    const runner = new SessionRunner();
    await runner.run("CONFIG", "RESETSTAT");
    expect(runner.context.server.stats.resets).toBe(1);
  });
});

describe("DEBUG", () => {
  test("SLEEP holds back every client for its seconds, and none for none", async () => {
    const runner = new SessionRunner();
    const { server } = runner.context;
    for (const seconds of ["0", "-1", "x"]) await runner.run("DEBUG", "SLEEP", seconds);
    expect([server.slept, server.pause]).toEqual([[], null]);
    expect(await runner.run("DEBUG", "SLEEP", "0.25")).toBe(ok);
    expect([server.slept, server.pause]).toEqual([[250], [server.now + 250, "all"]]);
  });

  test("SET-ACTIVE-EXPIRE reaches the node", async () => {
    const runner = new SessionRunner();
    await runner.run("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    expect(runner.context.server.activeExpiry).toBe(false);
    await runner.run("DEBUG", "set-active-expire", "1");
    expect(runner.context.server.activeExpiry).toBe(true);
  });

  test("ERROR stays on one line", async () => {
    const reply = await new SessionRunner().run("DEBUG", "ERROR", "A b\r\n+OK");
    expect(reply).toEqual(new ErrorReply("A b  +OK"));
  });

  test("PROTOCOL push sends the push and a reply, in RESP3 alone", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("DEBUG", "PROTOCOL", "push")).toBe(errors.resp3Only);
    expect(runner.context.client.pushed).toEqual([]);
    runner.context.client.protocol = 3;
    expect(await runner.run("DEBUG", "PROTOCOL", "push")).toMatch(/^Some real reply/);
    expect(runner.context.client.pushed).toEqual([new PushReply(["server-cpu-usage", 42])]);
  });

  test.each([
    ["no", "127.0.0.1:5", false],
    ["local", "127.0.0.1:5", true],
    ["local", "[::1]:5", true],
    ["local", "::ffff:127.0.0.1:5", true],
    ["local", "10.0.0.1:5", false],
    ["local", "12.7.0.1:5", false],
    ["yes", "10.0.0.1:5", true],
  ])("with enable-debug-command %s a client at %s may: %s", async (setting, address, may) => {
    const runner = new SessionRunner();
    runner.context.server.config.values.set("enable-debug-command", setting);
    runner.context.client.address = address;
    const reply = await runner.run("DEBUG", "SLEEP", "0");
    expect(reply).toBe(may ? ok : errors.debugNotAllowed);
  });

  test("is not allowed where the option does not exist", async () => {
    const runner = new SessionRunner();
    runner.context.server.config.values.delete("enable-debug-command");
    expect(await runner.run("DEBUG", "HELP")).toBe(errors.debugNotAllowed);
  });
});

describe("INFO", () => {
  const titles = (text: string) => [...text.matchAll(/^# (\w+)\r$/gm)].map(([, title]) => title);
  const usual = [
    ...["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules"],
    ...["Errorstats", "Cluster", "Keyspace", "Raft"],
  ];
  const all = usual.toSpliced(8, 0, "Commandstats");

  test.each([
    [[], usual],
    [["default"], usual],
    [["All"], all],
    [["everything"], all],
    [["default", "commandstats"], all],
    [
      ["raft", "SERVER", "nonsense", "server"],
      ["Server", "Raft"],
    ],
    [["constructor"], []],
  ])("%j shows %j", async (words, expected) => {
    expect(titles(textOf(await new SessionRunner().run("INFO", ...words)))).toEqual(expected);
  });

  test("an empty line stands between sections and none behind the last", async () => {
    const text = textOf(await new SessionRunner().run("INFO", "cluster", "keyspace"));
    expect(text).toBe(
      "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\ndb2:keys=10,expires=3,avg_ttl=500\r\n",
    );
  });

  test.each([
    ["server", "redis_version:7.0.15", "process_id:4242", "uptime_in_seconds:190", "tcp_port:7000"],
    ["clients", "connected_clients:1", "maxclients:10000"],
    ["memory", "used_memory_human:1.00M", "used_memory_peak_perc:50.00%", "maxmemory:0"],
    ["memory", "maxmemory_policy:noeviction", "mem_fragmentation_ratio:1.50"],
    ["persistence", "loading:0", "rdb_bgsave_in_progress:0", "rdb_changes_since_last_save:17"],
    ["stats", "total_commands_processed:20", "instantaneous_ops_per_sec:13", "keyspace_misses:4"],
    ["cpu", "used_cpu_sys:0.250000", "used_cpu_user:1.500000"],
    ["commandstats", "cmdstat_config|get:calls=2,rejected_calls=1,failed_calls=0"],
    ["errorstats", "errorstat_ERR:count=5"],
    ["replication", "role:master", "connected_slaves:1", "master_repl_offset:118"],
    ["replication", "slave0:ip=10.0.0.2,port=7000,state=online,offset=119"],
    ["replication", "slave1:ip=10.0.0.3,port=7000,state=offline,offset=50"],
    ["raft", "raft_role:leader", "raft_first_index:40", "raft_last_index:121", "raft_members:3"],
    [
      "raft",
      "raft_member3:id=3,voter=0,client_address=10.0.0.3:7000,peer_address=10.0.0.3:17000,match_index=50,active=0",
    ],
  ])("%s holds what the node knows", async (section, ...lines) => {
    const text = textOf(await new SessionRunner().run("INFO", section));
    expect(text.split("\r\n")).toEqual(expect.arrayContaining(lines));
  });

  test("says nothing of other members that this node does not know", async () => {
    const runner = new SessionRunner();
    const { raft } = runner.context.server;
    const unknown = { voter: true, matchIndex: null, active: null };
    raft.current = { ...raft.current, members: [member(1, unknown), member(2, unknown)] };
    const text = textOf(await runner.run("INFO", "replication", "raft"));
    expect(text).toContain("slave0:ip=10.0.0.2,port=7000,offset=-1\r\n");
    expect(text).not.toMatch(/active=|match_index=/);
  });

  test("loading tells a client's ready check that the node is not ready", async () => {
    const runner = new SessionRunner();
    runner.context.server.loading = { startedAtMs: 1_086_000, totalBytes: 3000, loadedBytes: 999 };
    const text = textOf(await runner.run("INFO", "persistence"));
    expect(text).toContain("\r\nloading:1\r\nasync_loading:0\r\n");
    expect(text.slice(text.indexOf("loading_start_time"))).toBe(
      "loading_start_time:1086\r\nloading_total_bytes:3000\r\nloading_rdb_used_mem:0\r\n" +
        "loading_loaded_bytes:999\r\nloading_loaded_perc:33.30\r\nloading_eta_seconds:8\r\n",
    );
  });

  test("within the first second, and before the size is known, loading is said to take one second more", async () => {
    const runner = new SessionRunner();
    runner.context.server.loading = { startedAtMs: 1_090_100, totalBytes: 0, loadedBytes: 0 };
    const text = textOf(await runner.run("INFO", "persistence"));
    expect(text).toContain("loading_loaded_perc:0.00\r\nloading_eta_seconds:1\r\n");
  });

  test("a node that has its state says nothing of how it was loaded", async () => {
    const text = textOf(await new SessionRunner().run("INFO", "everything"));
    expect(text).toContain("\r\nloading:0\r\nasync_loading:0\r\n");
    expect(text).not.toContain("loading_");
  });

  test.each([
    [0, "0B"],
    [1023, "1023B"],
    [1039888, "1015.52K"],
    [25276514304, "23.54G"],
    [2 ** 40, "1.00T"],
  ])("%i bytes read %s", (bytes, text) => {
    expect(humanBytes(bytes)).toBe(text);
  });
});

describe("checkpoints", () => {
  test("SAVE answers when the checkpoint is written, and not while another runs", async () => {
    const runner = new SessionRunner();
    const { server } = runner.context;
    expect(await runner.run("SAVE")).toBe(ok);
    server.checkpointRunning = true;
    expect(await runner.run("SAVE")).toBe(errors.saveInProgress);
    expect(await runner.run("BGSAVE", "SCHEDULE")).toBe(errors.saveInProgress);
    expect(server.checkpoints).toBe(1);
  });

  test("BGSAVE starts one, and a failure later disturbs nobody", async () => {
    const runner = new SessionRunner();
    runner.context.server.checkpointFailure = new Error("disk full");
    expect(await runner.run("BGSAVE")).toEqual(new SimpleString("Background saving started"));
    expect(runner.context.server.checkpoints).toBe(1);
  });

  test("LASTSAVE and TIME answer the node's seconds", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("LASTSAVE")).toBe(1234);
    expect(await runner.run("TIME")).toEqual(["1090", "500042"]);
  });
});

describe("SHUTDOWN", () => {
  test.each([[], ["NOSAVE"], ["now", "force"], ["NOSAVE", "NOSAVE"]])(
    "%j %j ends the node without a reply or a checkpoint",
    async (...options) => {
      const runner = new SessionRunner();
      expect(await runner.run("SHUTDOWN", ...options)).toBe(noReply);
      expect(runner.context.server).toMatchObject({ shutdowns: 1, checkpoints: 0 });
    },
  );

  test("SAVE writes a checkpoint first", async () => {
    const runner = new SessionRunner();
    await runner.run("SHUTDOWN", "SAVE");
    expect(runner.context.server).toMatchObject({ shutdowns: 1, checkpoints: 1 });
  });

  test("SAVE writes none while the data is loaded: it is on disk already", async () => {
    const runner = new SessionRunner();
    runner.context.server.loading = { startedAtMs: 0, totalBytes: 0, loadedBytes: 0 };
    await runner.run("SHUTDOWN", "SAVE");
    expect(runner.context.server).toMatchObject({ shutdowns: 1, checkpoints: 0 });
  });

  test.each([["ABORT"], ["SAVE", "NOSAVE"], ["ABORT", "NOW"], ["foo"]])(
    "%j %j ends nothing",
    async (...options) => {
      const runner = new SessionRunner();
      await runner.run("SHUTDOWN", ...options);
      expect(runner.context.server.shutdowns).toBe(0);
    },
  );
});

describe("ROLE and LOLWUT", () => {
  test("ROLE shows a master with the other members as replicas", async () => {
    expect(await new SessionRunner().run("ROLE")).toEqual([
      "master",
      118,
      [
        ["10.0.0.2", "7000", "119"],
        ["10.0.0.3", "7000", "50"],
      ],
    ]);
  });

  test("LOLWUT draws the same picture for the same words, of the size asked for", async () => {
    const runner = new SessionRunner();
    const draw = async (...words: string[]) => textOf(await runner.run("LOLWUT", ...words));
    expect(await draw("VERSION", "5", "20", "4")).toBe(await draw("version", "5", "20", "4"));
    expect(await draw("VERSION", "5", "20", "4")).not.toBe(await draw("VERSION", "6", "20", "4"));
    const lines = (await draw("20", "4")).split("\n");
    expect(lines.slice(0, 4)).toEqual(Array(4).fill(expect.stringMatching(/^[#.]{20}$/)));
    expect(lines.slice(4)).toEqual(["", expect.stringMatching(/ Redis ver\. 7\.0\.15$/), ""]);
  });

  test("LOLWUT stays small whatever is asked", async () => {
    const reply = await new SessionRunner().run("LOLWUT", "999999999", "999999999");
    expect(textOf(reply).length).toBeLessThan(161 * 60 + 200);
  });
});

describe("whole databases", () => {
  /** Only what these commands touch. */
  class Databases {
    readonly done: string[] = [];
    view(index: number): WriteView {
      const partial: Partial<WriteView> = {
        index,
        size: index * 10,
        clear: () => void this.done.push(`clear ${index}`),
        swap: (a, b) => void this.done.push(`swap ${a} ${b}`),
        select: (other) => this.view(other),
      };
      return partial as WriteView;
    }
  }
  const at = { nowMs: 0, random: () => 0 };

  test("FLUSHDB clears the current database, FLUSHALL every one", () => {
    const databases = new Databases();
    expect(flushdb.apply(databases.view(3), ["FLUSHDB", "Async"], at)).toBe(ok);
    expect(databases.done).toEqual(["clear 3"]);
    expect(flushall.apply(databases.view(3), ["FLUSHALL"], at)).toBe(ok);
    expect(databases.done.slice(1)).toEqual([...Array(16).keys()].map((n) => `clear ${n}`));
  });

  test.each([["x"], ["sync", "async"], [""]])("flushing with %j changes nothing", (...words) => {
    const databases = new Databases();
    expect(flushall.apply(databases.view(0), ["FLUSHALL", ...words], at)).toBe(errors.syntax);
    expect(flushdb.apply(databases.view(0), ["FLUSHDB", ...words], at)).toBe(errors.syntax);
    expect(databases.done).toEqual([]);
  });

  test("DBSIZE answers the size of the current database", () => {
    expect(dbsize.read(new Databases().view(3), ["DBSIZE"], at)).toBe(30);
  });

  test.each([
    ["0", "15", ok],
    ["2", "2", ok],
    ["a", "x", errors.firstDatabaseInvalid],
    ["3000000000", "0", errors.firstDatabaseInvalid],
    ["0", "1.0", errors.secondDatabaseInvalid],
    ["0", "16", errors.databaseOutOfRange],
    ["-1", "0", errors.databaseOutOfRange],
  ])("SWAPDB %s %s", (first, second, expected) => {
    const databases = new Databases();
    expect(swapdb.apply(databases.view(0), ["SWAPDB", first, second], at)).toBe(expected);
    expect(databases.done).toEqual(expected === ok ? [`swap ${first} ${second}`] : []);
  });
});

test("a context without commands of its own counts none", async () => {
  const command = sessionTable.get("command");
  expect(
    command?.kind === "container" && (await command.run?.(fakeContext(), ["COMMAND"])),
  ).toEqual([]);
});
