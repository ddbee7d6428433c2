// CLIENT: listing, naming, closing and holding back the connections of a node.

import { describe, expect, test } from "vitest";
import { errors } from "../../../src/resp/errors.ts";
import { noReply, ok, VerbatimReply } from "../../../src/resp/reply.ts";
import { connect } from "../../support/session-context.ts";
import { SessionRunner } from "../../support/session-run.ts";

describe("CLIENT LIST and INFO", () => {
  test("a line tells what is known of the connection", async () => {
    const runner = new SessionRunner(7);
    Object.assign(runner.context.client, {
      name: "worker",
      libraryName: "ioredis",
      libraryVersion: "6.0.0",
      lastCommand: "client|info",
      lastInteractionMs: 1_088_000,
      database: 3,
      protocol: 3,
      queryBufferBytes: 26,
      outputBytes: 5,
    });
    expect(await runner.run("CLIENT", "INFO")).toEqual(
      new VerbatimReply(
        "id=7 addr=127.0.0.1:50001 laddr=127.0.0.1:7000 fd=8 name=worker age=90 idle=2 flags=N db=3 " +
          "sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 " +
          "obl=0 oll=0 omem=5 tot-mem=31 events=rw cmd=client|info user=default redir=-1 resp=3 " +
          "lib-name=ioredis lib-ver=6.0.0\n",
      ),
    );
  });

  test("a new connection has no name and no command, and is never older than now", async () => {
    const runner = new SessionRunner();
    runner.context.client.createdAtMs = runner.context.server.now + 5000;
    const { text } = (await runner.run("CLIENT", "INFO")) as VerbatimReply;
    expect(text).toMatch(/ name= age=0 .* cmd=NULL .* lib-name= lib-ver=\n$/);
  });

  test("flags show NO-EVICT and NO-TOUCH, and N when there is neither", async () => {
    const runner = new SessionRunner();
    const flags = async () =>
      / flags=(\w+) /.exec(((await runner.run("CLIENT", "INFO")) as VerbatimReply).text)?.[1];
    expect(await flags()).toBe("N");
    await runner.run("CLIENT", "NO-EVICT", "on");
    expect(await flags()).toBe("e");
    await runner.run("CLIENT", "NO-TOUCH", "ON");
    expect(await flags()).toBe("eT");
    await runner.run("CLIENT", "NO-EVICT", "OFF");
    expect(await flags()).toBe("T");
  });

  const listed = async (runner: SessionRunner, ...words: string[]) => {
    const { text } = (await runner.run("CLIENT", "LIST", ...words)) as VerbatimReply;
    return [...text.matchAll(/^id=(\d+) /gm)].map(([, id]) => Number(id));
  };

  test("lists every client, the chosen ones, or those of a type", async () => {
    const runner = new SessionRunner(1);
    for (const id of [2, 3]) connect(runner.context.server, id);
    expect(await listed(runner)).toEqual([1, 2, 3]);
    expect(await listed(runner, "TYPE", "normal")).toEqual([1, 2, 3]);
    expect(await listed(runner, "type", "pubsub")).toEqual([]);
    expect(await listed(runner, "ID", "3", "9", "1", "3")).toEqual([3, 1, 3]);
  });
});

describe("CLIENT names", () => {
  test("SETNAME, GETNAME and ID speak of the own connection", async () => {
    const runner = new SessionRunner(41);
    expect(await runner.run("CLIENT", "ID")).toBe(41);
    expect(await runner.run("CLIENT", "GETNAME")).toBeNull();
    expect(await runner.run("CLIENT", "SETNAME", "a~!z")).toBe(ok);
    expect(await runner.run("CLIENT", "GETNAME")).toBe("a~!z");
  });

  test.each(["a b", "a\n", "\x7f", "caf\xe9"])(
    "SETNAME refuses %j and keeps the name",
    async (name) => {
      const runner = new SessionRunner();
      await runner.run("CLIENT", "SETNAME", "before");
      expect(await runner.run("CLIENT", "SETNAME", name)).toBe(errors.clientName);
      expect(runner.context.client.name).toBe("before");
    },
  );

  test("SETINFO keeps the library's name and version apart", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("CLIENT", "SETINFO", "LIB-NAME", "ioredis")).toBe(ok);
    expect(await runner.run("CLIENT", "SETINFO", "lib-ver", "6.0.0")).toBe(ok);
    const { libraryName, libraryVersion } = runner.context.client;
    expect([libraryName, libraryVersion]).toEqual(["ioredis", "6.0.0"]);
    expect(await runner.run("CLIENT", "SETINFO", "lib-ver", "")).toBe(ok);
    expect(runner.context.client.libraryVersion).toBe("");
  });

  test("SETINFO refuses unknown attributes and values that would break a line", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("CLIENT", "SETINFO", "lib-foo", "x")).toEqual(
      errors.unrecognizedOption("lib-foo"),
    );
    expect(await runner.run("CLIENT", "SETINFO", "lib-name", "a b")).toEqual(
      errors.clientAttribute("lib-name"),
    );
    expect(runner.context.client.libraryName).toBe("");
  });
});

describe("CLIENT KILL", () => {
  const withOthers = () => {
    const runner = new SessionRunner(1);
    connect(runner.context.server, 2).address = "127.0.0.1:60002";
    connect(runner.context.server, 3).address = "127.0.0.1:60003";
    connect(runner.context.server, 4).localAddress = "127.0.0.2:7000";
    const { client: me, server } = runner.context;
    // Who closes itself is there until it has its reply.
    const left = () => [...server.connected.keys()].filter((id) => id !== me.id || !me.isClosing);
    return { runner, left };
  };

  test("the old form closes the client of an address, also itself", async () => {
    const { runner, left } = withOthers();
    expect(await runner.run("CLIENT", "KILL", "127.0.0.1:60003")).toBe(ok);
    expect(left()).toEqual([1, 2, 4]);
    expect(await runner.run("CLIENT", "KILL", "127.0.0.1:60003")).toBe(errors.noSuchClient);
    expect(await runner.run("CLIENT", "KILL", "127.0.0.1:50001")).toBe(ok);
    expect(left()).toEqual([2]); // Clients 1 and 4 share an address here.
  });

  test("closes other clients of an address and counts them", async () => {
    const { runner, left } = withOthers();
    connect(runner.context.server, 5).address = "127.0.0.1:60002";
    expect(await runner.run("CLIENT", "KILL", "ADDR", "127.0.0.1:60002")).toBe(2);
    expect(left()).toEqual([1, 3, 4]);
  });

  test.each([
    [["ID", "3"], 1, [1, 2, 4]],
    [["ID", "1"], 0, [1, 2, 3, 4]],
    [["ID", "1", "SKIPME", "no"], 1, [2, 3, 4]],
    [["LADDR", "127.0.0.2:7000"], 1, [1, 2, 3]],
    [["LADDR", "127.0.0.1:7000", "ID", "2"], 1, [1, 3, 4]],
    [["LADDR", "127.0.0.2:7000", "ID", "2"], 0, [1, 2, 3, 4]],
    [["TYPE", "normal"], 3, [1]],
    [["TYPE", "normal", "SKIPME", "no"], 4, []],
    [["TYPE", "pubsub"], 0, [1, 2, 3, 4]],
    [["USER", "default"], 3, [1]],
  ])("%j closes %i and leaves %j", async (filter, closed, stay) => {
    const { runner, left } = withOthers();
    expect(await runner.run("CLIENT", "KILL", ...filter)).toBe(closed);
    expect(left()).toEqual(stay);
  });

  test("a wrong filter closes nobody", async () => {
    const { runner, left } = withOthers();
    expect(await runner.run("CLIENT", "KILL", "TYPE", "normal", "ID", "0")).toBe(
      errors.clientIdTooSmall,
    );
    expect(left()).toEqual([1, 2, 3, 4]);
  });
});

describe("CLIENT PAUSE", () => {
  test("holds back until a moment, writes alone or everything", async () => {
    const runner = new SessionRunner();
    const { server } = runner.context;
    await runner.run("CLIENT", "PAUSE", "1500");
    expect(server.pause).toEqual([server.now + 1500, "all"]);
    await runner.run("CLIENT", "PAUSE", "20", "write");
    expect(server.pause).toEqual([server.now + 20, "write"]);
    await runner.run("CLIENT", "UNPAUSE");
    expect(server.pause).toBeNull();
  });

  test("a time beyond what a number holds is cut to that", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("CLIENT", "PAUSE", "9223372036854775807")).toBe(ok);
    expect(runner.context.server.pause).toEqual([Number.MAX_SAFE_INTEGER, "all"]);
  });
});

describe("CLIENT REPLY", () => {
  test("OFF and SKIP say nothing, ON says OK", async () => {
    const runner = new SessionRunner();
    const { client } = runner.context;
    expect(await runner.run("CLIENT", "REPLY", "SKIP")).toBe(noReply);
    expect(client.replyMode).toBe("skip");
    expect(await runner.run("CLIENT", "REPLY", "OFF")).toBe(noReply);
    expect(client.replyMode).toBe("off");
    expect(await runner.run("CLIENT", "REPLY", "ON")).toBe(ok);
    expect(client.replyMode).toBe("on");
  });

  test("SKIP does not turn replies on again", async () => {
    const runner = new SessionRunner();
    await runner.run("CLIENT", "REPLY", "OFF");
    await runner.run("CLIENT", "REPLY", "SKIP");
    expect(runner.context.client.replyMode).toBe("off");
  });
});
