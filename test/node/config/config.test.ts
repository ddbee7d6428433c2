import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { ConfigError, type ConfigSources, loadConfig } from "../../../src/node/config/config.ts";
import { quote, readLines } from "../../../src/node/config/config-file.ts";
import { type OptionName, optionNames, optionOf } from "../../../src/node/config/config-options.ts";
import { RuntimeConfig } from "../../../src/node/config/config-runtime.ts";
import { openFilesMin } from "../../../src/node/config/open-files.ts";
import { errors } from "../../../src/resp/errors.ts";
import { ErrorReply } from "../../../src/resp/reply.ts";

type Flags = Partial<Record<OptionName, string | readonly string[]>>;

function sources(flags: Flags = {}, environment: Record<string, string> = {}): ConfigSources {
  const words = Object.entries(flags).map(
    ([name, given]) => [name as OptionName, typeof given === "string" ? [given] : given] as const,
  );
  return { flags: new Map(words), environment, openFiles: null };
}

const load = (flags: Flags = {}, environment: Record<string, string> = {}) =>
  loadConfig(sources(flags, environment));

function file(content: string, name = "kvorum.conf"): string {
  const directory = mkdtempSync(join(tmpdir(), "kvorum-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, name);
  writeFileSync(path, content, "latin1");
  return path;
}

/** The one line with which a start is refused. */
function refusal(start: () => unknown): string {
  try {
    start();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    if (error instanceof Error) {
      expect(error.message).not.toContain("\n");
      return error.message;
    }
  }
  throw new Error("was not refused");
}

describe("without anything given", () => {
  test("a node serves this machine on port 7000 from ./data", () => {
    const { config, warnings, file: path } = load();
    expect(config).toEqual({
      port: 7000,
      peerPort: 17_000,
      bind: [{ host: "127.0.0.1", optional: false }],
      dir: resolve("data"),
      join: null,
      announce: "127.0.0.1",
      peerSecret: null,
      logLevel: "info",
      requirepass: "",
      protectedMode: true,
      maxClients: 10_000,
      bulkBytes: 64 * 1024 * 1024,
      requestBytes: 256 * 1024 * 1024,
      idleSeconds: 0,
      keepAliveSeconds: 300,
      leases: false,
      checkpointLogBytes: 64 * 1024 * 1024,
      retainedLogBytes: 128 * 1024 * 1024,
      ...{ evictionSamples: 5, evictionTenacity: 10, lfuLogFactor: 10, lfuDecayMinutes: 1 },
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(warnings).toEqual([]);
    expect(path).toBeNull();
  });
});

describe("sources", () => {
  test("flags win over the environment, the environment over the file", () => {
    const path = file("port 1001\nmaxclients 11\ntimeout 1\n");
    const { config } = load(
      { port: "1003", config: path },
      { KVORUM_PORT: "1002", KVORUM_MAXCLIENTS: "12" },
    );
    expect([config.port, config.maxClients, config.idleSeconds]).toEqual([1003, 12, 1]);
  });

  test("the environment can name the file", () => {
    const { config, file: path } = load({}, { KVORUM_CONFIG: file("PORT 1001\n") });
    expect(config.port).toBe(1001);
    expect(path).toContain("kvorum.conf");
  });

  test("an empty variable is none, an unknown one is warned of, invented ones are passed over", () => {
    const { config, warnings } = load(
      {},
      {
        KVORUM_PORT: "",
        KVORUM_PROT: "1",
        KVORUM_SERVICE_HOST: "10.0.0.1",
        KVORUM_PORT_7000_TCP: "tcp://10.0.0.1:7000",
        HOME: "/",
      },
    );
    expect(config.port).toBe(7000);
    expect(warnings).toEqual(["KVORUM_PROT is none of this program's options: ignored"]);
  });

  test("the port that a container platform invents is not taken for one", () => {
    const { config, warnings } = load({}, { KVORUM_PORT: "tcp://10.0.0.1:7000" });
    expect(config.port).toBe(7000);
    expect(warnings).toHaveLength(1);
  });

  test("a password keeps its bytes, from the shell as from the file", () => {
    const utf8 = Buffer.from("pässwörd", "utf8").toString("latin1");
    expect(load({}, { KVORUM_REQUIREPASS: "pässwörd" }).config.requirepass).toBe(utf8);
    const path = file(`requirepass ${utf8}\n`);
    expect(load({ config: path }).config.requirepass).toBe(utf8);
    expect(load({ config: file("requirepass \xff\xfe\n") }).config.requirepass).toBe("\xff\xfe");
  });
});

describe("the file", () => {
  test("has comments, empty lines, quotes and escapes as redis.conf", () => {
    const path = file(
      [
        "# a comment",
        "",
        '  requirepass "a \\"b\\"\\x01\\n"  ',
        "peer-secret 'it\\'s a longer one'",
        "bind 127.0.0.1 -::1",
        "maxclients 5",
        "maxclients 6\r",
      ].join("\n"),
    );
    const { config } = load({ config: path });
    expect(config.requirepass).toBe('a "b"\x01\n');
    expect(config.peerSecret).toBe("it's a longer one");
    expect(config.bind).toEqual([
      { host: "127.0.0.1", optional: false },
      { host: "::1", optional: true },
    ]);
    expect(config.maxClients).toBe(6);
  });

  test("may say what is so anyway, and nothing else about it", () => {
    load({ config: file('save ""\nappendonly yes\nappendfsync always\ndatabases 16\n') });
    const path = file("port 1\nappendfsync everysec\n");
    expect(refusal(() => load({ config: path }))).toBe(
      `${path}:2: appendfsync is always 'always' here`,
    );
  });

  const mistakes: [string, string][] = [
    ["port abc", ": port 'abc': argument couldn't be parsed into an integer"],
    ["port", ": port '': wrong number of arguments"],
    ["maxclients 5 6", ": maxclients '5 6': wrong number of arguments"],
    [
      "loglevel x",
      ": loglevel 'x': argument(s) must be one of the following: debug, verbose, notice, warning",
    ],
    ['requirepass "abc', ": Unbalanced quotes in configuration line"],
    ["foo bar", ": there is no option 'foo'"],
    ["config other.conf", ": there is no option 'config'"],
    ["peer-secret a b", ": peer-secret: wrong number of arguments"],
    ["bind 127.0.0.1 a_b!", ": bind '127.0.0.1 a_b!': 'a_b!' is not an address"],
  ];
  test.each(mistakes)("with the line %s is refused by place and reason", (line, words) => {
    const path = file(`# first\n${line}\n`);
    expect(refusal(() => load({ config: path, port: "1" }))).toBe(`${path}:2${words}`);
  });

  test("that cannot be read is named", () => {
    expect(refusal(() => load({ config: "/nowhere/kvorum.conf" }))).toBe(
      "cannot read the configuration file /nowhere/kvorum.conf: No such file or directory",
    );
    expect(refusal(() => load({ config: "/" }))).toContain("Is a directory");
  });

  test("quoted values read back as they were, whatever their bytes", () => {
    const bytes = fc
      .uint8Array({ maxLength: 30 })
      .map((list) => Buffer.from(list).toString("latin1"));
    fc.assert(
      fc.property(bytes, (value) => {
        expect(readLines(`x ${quote(value)}`)).toEqual([{ number: 1, name: "x", words: [value] }]);
      }),
    );
  });
});

describe("values", () => {
  const mistakes: [Flags, string][] = [
    [{ port: "65536" }, "--port '65536': argument must be between 0 and 65535 inclusive"],
    [{ port: "-1" }, "--port '-1': argument must be between 0 and 65535 inclusive"],
    [{ timeout: "1.5" }, "--timeout '1.5': argument couldn't be parsed into an integer"],
    [{ timeout: "05" }, "--timeout '05': argument couldn't be parsed into an integer"],
    [{ "protected-mode": "maybe" }, "--protected-mode 'maybe': argument must be 'yes' or 'no'"],
    [
      { "proto-max-bulk-len": "10xb" },
      "--proto-max-bulk-len '10xb': argument must be a memory value",
    ],
    [
      { join: "somewhere" },
      "--join 'somewhere': argument must be host:port, such as 127.0.0.1:7000",
    ],
    [
      { announce: "0.0.0.0" },
      "--announce '0.0.0.0': argument must be a host name or an address, without a port",
    ],
    [{ dir: "" }, "--dir '': argument must be a path"],
    [{ port: "60000" }, "there is no port 70000 (port + 10000): give --peer-port"],
    [
      { port: "7000", "peer-port": "7000" },
      "port and peer-port are both 7000: clients and nodes need one each",
    ],
  ];
  test.each(mistakes)("%o are refused in one line", (flags, words) => {
    expect(refusal(() => load(flags))).toBe(words);
  });

  test("of memory have Redis' units", () => {
    const size = (text: string) => load({ "proto-max-bulk-len": text }).config.bulkBytes;
    expect([size("2mb"), size("2M"), size("2097152"), size("1100KB"), size("2000000b")]).toEqual([
      2_097_152, 2_000_000, 2_097_152, 1_126_400, 2_000_000,
    ]);
  });

  test("of the log level map onto the logger's, Redis' names and its own", () => {
    const level = (name: string) => load({ loglevel: name }).config.logLevel;
    expect(["debug", "verbose", "notice", "WARNING", "trace", "error"].map(level)).toEqual([
      "debug",
      "debug",
      "info",
      "warn",
      "trace",
      "error",
    ]);
  });

  test("maxclients is lowered to what the limit on open files allows", () => {
    const { config, warnings } = loadConfig({ ...sources(), openFiles: 1024 });
    expect(config.maxClients).toBeLessThan(1024);
    expect(warnings).toEqual([
      `maxclients is ${config.maxClients} instead of 10000: the limit on open files is 1024 (ulimit -n)`,
    ]);
  });

  test("a limit on open files that leaves no room for a client is refused", () => {
    expect(loadConfig({ ...sources(), openFiles: openFilesMin }).config.maxClients).toBe(1);
    expect(refusal(() => loadConfig({ ...sources(), openFiles: openFilesMin - 1 }))).toBe(
      `the limit on open files is ${openFilesMin - 1}, and a node needs ${openFilesMin}: raise it (ulimit -n)`,
    );
  });
});

const secret = "a secret of the tests";

describe("addresses", () => {
  test("a peer port open to others needs a secret", () => {
    expect(refusal(() => load({ bind: ["127.0.0.1", "10.0.0.5"] }))).toBe(
      "bind opens the peer port to other machines, and there is no peer-secret: " +
        "give every node the same KVORUM_PEER_SECRET, or bind only to 127.0.0.1",
    );
    for (const bind of ["0.0.0.0", "*", "::", "myhost", "-10.0.0.5"]) {
      expect(() => load({ bind })).toThrow(ConfigError);
      load({ bind, "peer-secret": secret });
    }
    load({ bind: ["127.0.0.1", "127.8.9.1", "::1", "localhost", "::ffff:127.0.0.1"] });
  });

  test("a peer secret that could be guessed is refused, and one of 16 characters is not", () => {
    expect(refusal(() => load({ "peer-secret": "x".repeat(15) }))).toBe(
      "peer-secret has fewer than 16 characters and could be guessed: " +
        "give every node the same longer one (openssl rand -hex 16)",
    );
    load({ "peer-secret": "x".repeat(16) });
  });

  test("a host is no longer than names are", () => {
    const announce = (length: number) => load({ announce: "h".repeat(length) }).config.announce;
    expect(announce(253)).toHaveLength(253);
    expect(() => announce(254)).toThrow(ConfigError);
    expect(() => load({ join: `${"h".repeat(254)}:7000` })).toThrow(ConfigError);
  });

  test("others are told the first address, the announced host, or one of the machine's own", () => {
    const announced = (flags: Flags) => load({ "peer-secret": secret, ...flags }).config.announce;
    expect(announced({ bind: ["-::1", "10.0.0.5"] })).toBe("10.0.0.5");
    expect(announced({ bind: "0.0.0.0", announce: "db1.example" })).toBe("db1.example");
    expect(announced({ bind: "*" })).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(announced({ bind: "*" })).not.toBe("0.0.0.0");
  });

  test("a cluster elsewhere cannot be joined under a loopback address", () => {
    expect(refusal(() => load({ join: "10.0.0.1:7000" }))).toContain("give --announce");
    expect(load({ join: "[::1]:7000" }).config.join).toEqual({ host: "::1", port: 7000 });
    load({ join: "10.0.0.1:7000", announce: "10.0.0.2", "peer-secret": secret, bind: "*" });
  });

  test("the peer port follows the port, and 0 is 0", () => {
    expect(load({ port: "6379" }).config.peerPort).toBe(16_379);
    expect(load({ port: "0" }).config.peerPort).toBe(0);
    expect(load({ port: "60000", "peer-port": "0" }).config.peerPort).toBe(0);
  });
});

/** A cluster whose settings are these, and that refuses when it is told to. */
function clusterWith(values: Map<string, string>) {
  const cluster = {
    refusal: null as ErrorReply | null,
    isChosen: (name: string) => name !== "maxmemory" || values.has("chosen"),
    text: (name: string) => values.get(name) ?? null,
    set: (pairs: readonly (readonly [string, string])[]) => {
      for (const [name, value] of cluster.refusal === null ? pairs : [])
        values.set(name, value).set("chosen", "yes");
      return Promise.resolve(cluster.refusal);
    },
  };
  return cluster;
}

describe("options that all nodes share", () => {
  test("are shown as the cluster has them, whatever this node's configuration says", () => {
    const config = new RuntimeConfig(load({ maxmemory: "5mb" }));
    const shown = () => new Map(config.all()).get("maxmemory");
    expect(shown()).toBe("5242880");
    expect(config.givenSettings).toEqual([["maxmemory", "5242880"]]);
    const values = new Map<string, string>();
    config.follow(clusterWith(values));
    expect(shown()).toBe("5242880");
    values.set("maxmemory", "77");
    expect(shown()).toBe("77");
  });

  test("are set in the words of the log, together with this node's own or not at all", async () => {
    const config = new RuntimeConfig(load());
    const values = new Map<string, string>();
    const cluster = clusterWith(values);
    config.follow(cluster);
    const pairs = [
      ["MaxMemory", "1kb"],
      ["timeout", "9"],
      ["maxmemory-policy", "AllKeys-LRU"],
    ] as const;
    cluster.refusal = new ErrorReply("CLUSTERDOWN");
    expect(await config.set(pairs)).toBe(cluster.refusal);
    expect([values.size, config.current.idleSeconds]).toEqual([0, 0]);
    cluster.refusal = null;
    expect(await config.set([...pairs, ["maxclients", "0"]])).toBeInstanceOf(ErrorReply);
    expect([values.size, config.current.idleSeconds]).toEqual([0, 0]);
    expect(await config.set(pairs)).toBeNull();
    expect(Object.fromEntries(values)).toMatchObject({
      maxmemory: "1024",
      "maxmemory-policy": "allkeys-lru",
    });
    expect(config.current.idleSeconds).toBe(9);
  });

  test("are rewritten as the cluster has them, unless nobody has chosen", async () => {
    const path = file("maxmemory-policy allkeys-lru\n");
    const config = new RuntimeConfig(load({ config: path }));
    const values = new Map([
      ["maxmemory", "1048576"],
      ["maxmemory-policy", "noeviction"],
    ]);
    config.follow(clusterWith(values));
    expect(await config.rewrite()).toBeNull();
    expect(readFileSync(path, "latin1")).toBe("maxmemory-policy noeviction\n");
    values.set("chosen", "yes");
    expect(await config.rewrite()).toBeNull();
    expect(readFileSync(path, "latin1")).toContain("\nmaxmemory 1mb\n");
  });
});

describe("CONFIG SET", () => {
  const failed = (name: string, why: string) =>
    `ERR CONFIG SET failed (possibly related to argument '${name}') - ${why}`;
  const set = async (...pairs: [string, string][]) => {
    const reply = await new RuntimeConfig(load()).set(pairs);
    return reply instanceof ErrorReply ? reply.text : reply;
  };

  test("refuses in Redis' words", async () => {
    const between = (min: number, max: number) =>
      `argument must be between ${min} and ${max} inclusive`;
    expect(await set(["x", "1"])).toBe(
      "ERR Unknown option or number of arguments for CONFIG SET - 'x'",
    );
    const cases: [string, string, string][] = [
      ["databases", "16", "can't set immutable config"],
      ["port", "7001", "can't set immutable config"],
      ["dir", "/tmp", "can't set protected config"],
      ["save", "3600 1", "can't set immutable config"],
      ["maxclients", "0", between(1, 4_294_967_295)],
      ["maxclients", "abc", "argument couldn't be parsed into an integer"],
      ["timeout", "-1", between(0, 2_147_483_647)],
      ["timeout", " 5", "argument couldn't be parsed into an integer"],
      ["timeout", "", "argument couldn't be parsed into an integer"],
      ["tcp-keepalive", "2147483648", between(0, 2_147_483_647)],
      ["protected-mode", "maybe", "argument must be 'yes' or 'no'"],
      ["proto-max-bulk-len", "1", between(1_048_576, 536_869_888)],
      ["proto-max-bulk-len", "-1", "argument must be a memory value"],
      ["proto-max-bulk-len", "1.5mb", "argument must be a memory value"],
      [
        "loglevel",
        "nothing",
        "argument(s) must be one of the following: debug, verbose, notice, warning",
      ],
    ];
    for (const [name, value, why] of cases)
      expect(await set([name, value])).toBe(failed(name, why));
  });

  test("names an unknown option up to the first NUL, as Redis prints it", async () => {
    expect(await set(["1.5\0x", "v"])).toBe(
      "ERR Unknown option or number of arguments for CONFIG SET - '1.5'",
    );
  });

  test("looks at the names first, one after the other, and then at the values", async () => {
    expect(await set(["daemonize", "no"], ["x", "1"])).toContain("'daemonize'");
    expect(await set(["x", "1"], ["daemonize", "no"])).toContain("'x'");
    expect(await set(["maxclients", "0"], ["daemonize", "no"])).toContain("immutable");
    expect(await set(["maxclients", "5"], ["MAXCLIENTS", "6"], ["x", "1"])).toBe(
      failed("MAXCLIENTS", "duplicate parameter"),
    );
    expect(await set(["MaxClients", "a"], ["timeout", "b"])).toContain("'maxclients'");
  });

  test("changes all or nothing, and tells who listens what has changed", async () => {
    const config = new RuntimeConfig(load({ port: "0" }));
    config.portsTaken(4001, 4002);
    const changes: string[] = [];
    config.onChange((name) => changes.push(`${name} ${config.current.idleSeconds}`));
    expect(
      await config.set([
        ["maxclients", "7"],
        ["timeout", "-1"],
      ]),
    ).toBeInstanceOf(ErrorReply);
    expect(config.current.maxClients).toBe(10_000);
    expect(changes).toEqual([]);
    const pairs = [
      ["Timeout", "9"],
      ["loglevel", "WARNING"],
      ["maxclients", "10000"],
    ] as const;
    expect(await config.set(pairs)).toBeNull();
    expect(config.current).toMatchObject({
      idleSeconds: 9,
      logLevel: "warn",
      port: 4001,
      peerPort: 4002,
    });
    expect(changes.sort()).toEqual(["loglevel 9", "timeout 9"]);
    expect(Object.isFrozen(config.current)).toBe(true);
  });

  test("accepts what cannot be otherwise, where Redis lets it be set", async () => {
    expect(await set(["save", ""], ["appendonly", "yes"])).toBeNull();
  });

  test("refuses what all nodes share while the node brings its state back", async () => {
    expect(await set(["maxmemory", "0"], ["timeout", "1"])).toBe(errors.loading.text);
  });

  test("does not promise more clients than there can be files", async () => {
    const config = new RuntimeConfig(load({ maxclients: "100" }), 1024);
    const reply = await config.set([["maxclients", "1000"]]);
    expect(reply?.text).toMatch(
      /argument 'maxclients'\) - The operating system is not able to handle the specified number of clients, try with \d+$/,
    );
  });
});

describe("CONFIG GET", () => {
  test("shows every option but secrets, in alphabetical order, as text", async () => {
    const config = new RuntimeConfig(load({ "peer-secret": secret, requirepass: "p" }));
    const rows = new Map(config.all());
    const names = [...rows.keys()];
    expect(names).toEqual([...names].sort());
    expect(rows.has("peer-secret") || rows.has("config")).toBe(false);
    for (const name of optionNames) expect(rows.has(name)).toBe(optionOf(name).hidden !== true);
    const shown = ["port", "peer-port", "bind", "dir", "requirepass", "protected-mode", "save"];
    expect(shown.map((name) => rows.get(name))).toEqual([
      "7000",
      "17000",
      "127.0.0.1",
      resolve("data"),
      "p",
      "yes",
      "",
    ]);
    expect(rows.get("proto-max-bulk-len")).toBe("67108864");
    expect(rows.get("appendfsync")).toBe("always");
  });
});

describe("CONFIG REWRITE", () => {
  test("keeps comments, order and unknown bytes; changes lines, drops doubles, adds the rest", async () => {
    const path = file(
      '# head \xff\nport 1234\n\nloglevel notice\nmaxclients 9\nmaxclients 8\nsave ""\n',
    );
    const config = new RuntimeConfig(load({ config: path }));
    await config.set([
      ["loglevel", "warning"],
      ["requirepass", 'a "b\\x\x01\n'],
      ["proto-max-bulk-len", "2097152"],
    ]);
    expect(await config.rewrite()).toBeNull();
    expect(readFileSync(path, "latin1")).toBe(
      [
        "# head \xff",
        "port 1234",
        "",
        "loglevel warning",
        "maxclients 8",
        'save ""',
        "",
        "# Generated by CONFIG REWRITE",
        'requirepass "a \\"b\\\\x\\x01\\n"',
        "proto-max-bulk-len 2mb",
        "",
      ].join("\n"),
    );
    const again = new RuntimeConfig(load({ config: path }));
    expect(again.all()).toEqual(config.all());
    await again.set([
      ["timeout", "3"],
      ["requirepass", ""],
    ]);
    expect(await again.rewrite()).toBeNull();
    const text = readFileSync(path, "latin1");
    expect(text.match(/Generated/g)).toHaveLength(1);
    expect(text).toContain('requirepass ""\n');
    expect(text.endsWith("timeout 3\n")).toBe(true);
  });

  test("goes through a link, keeps the file's mode, and restores a file that is gone", async () => {
    const path = file("maxclients 9\n");
    const link = join(path, "..", "link.conf");
    symlinkSync(path, link);
    const config = new RuntimeConfig(load({ config: link }));
    await config.set([["maxclients", "10"]]);
    const { mode } = statSync(path);
    expect(await config.rewrite()).toBeNull();
    expect(readFileSync(path, "latin1")).toBe("maxclients 10\n");
    expect(statSync(path).mode).toBe(mode);
    rmSync(path);
    expect(await config.rewrite()).toBeNull();
    expect(readFileSync(link, "latin1")).toContain("maxclients 10\n");
  });

  test("fails in Redis' words without a file, or when it cannot be written", async () => {
    expect((await new RuntimeConfig(load()).rewrite())?.text).toBe(
      "ERR The server is running without a config file",
    );
    const path = file("");
    const config = new RuntimeConfig(load({ config: path }));
    rmSync(join(path, ".."), { recursive: true });
    expect((await config.rewrite())?.text).toBe(
      "ERR Rewriting config file: No such file or directory",
    );
  });
});
