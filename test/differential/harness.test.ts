// The comparison itself: it sees no difference between equals, and finds and shrinks a planted one.

import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Oracle, startOracle } from "../support/oracle.ts";
import { requireTool } from "../support/process-tools.ts";
import { encodeRequest } from "../support/raw-client.ts";
import { splitReplies } from "../support/raw-replies.ts";
import { expiresSoon, generateCommand } from "./commands.ts";
import { describeDifference, fuzz } from "./fuzz.ts";
import { sameReply } from "./normalisers.ts";
import { Random } from "./random.ts";

async function pair(args: readonly string[] = []) {
  const servers: readonly [Oracle, Oracle] = [await startOracle(), await startOracle(...args)];
  onTestFinished(async () => {
    for (const server of servers) await server.stop();
  });
  const [oracle, target] = servers;
  return {
    oracle: { name: "one", port: oracle.port },
    target: { name: "other", port: target.port },
  };
}

describe.skipIf(!requireTool("redis-server"))("fuzz", () => {
  test("sees no difference between two servers of the same kind", async () => {
    const sides = await pair();
    const difference = await fuzz(sides, { seed: 1, commands: 5_000 });
    expect(difference === null ? "none" : describeDifference(difference, sides)).toBe("none");
  });

  test("finds a planted difference and shrinks it to the two commands that show it", async () => {
    // With an LFU policy OBJECT FREQ answers a number where the other server answers an error.
    const sides = await pair(["--maxmemory-policy", "allkeys-lfu"]);
    const generate = (random: Random) => {
      const words = generateCommand(random);
      return /idletime|refcount/i.test(words[1] ?? "") ? ["PING"] : words;
    };
    const difference = await fuzz(sides, { seed: 5, commands: 20_000, generate });
    expect(difference?.commands).toHaveLength(2);
    expect(difference?.commands[1]?.map((word) => word.toLowerCase()).slice(0, 2)).toEqual([
      "object",
      "freq",
    ]);
    expect(difference?.oracle).toMatch(/^-ERR An LFU maxmemory policy is not selected/);
    expect(difference?.target).toMatch(/^:\d+\r\n$/);
  });
});

describe("normalisers", () => {
  const same = (words: string, one: string, other: string) =>
    sameReply(words.split(" "), Buffer.from(one, "latin1"), Buffer.from(other, "latin1"));

  test("let through another order of keys, but no other set of keys", () => {
    const a = "*2\r\n$1\r\na\r\n$1\r\nb\r\n";
    expect(same("KEYS *", a, "*2\r\n$1\r\nb\r\n$1\r\na\r\n")).toBe(true);
    expect(same("KEYS *", a, "*2\r\n$1\r\nb\r\n$1\r\nc\r\n")).toBe(false);
    expect(same("MGET a b", a, "*2\r\n$1\r\nb\r\n$1\r\na\r\n")).toBe(false);
  });

  test("let through times that are close, but not another kind of answer", () => {
    expect(same("TTL k", ":100\r\n", ":101\r\n")).toBe(true);
    expect(same("TTL k", ":100\r\n", ":104\r\n")).toBe(false);
    expect(same("TTL k", ":-1\r\n", ":-2\r\n")).toBe(false);
    expect(same("TTL k", ":0\r\n", ":-1\r\n")).toBe(false);
    expect(same("STRLEN k", ":100\r\n", ":101\r\n")).toBe(false);
  });

  test("let through a walk in another order, but not one that misses a key", () => {
    const walk = (...keys: string[]) =>
      `*2\r\n$1\r\n0\r\n*${keys.length}\r\n${keys.map((key) => `$1\r\n${key}\r\n`).join("")}`;
    expect(same("SCAN 0 COUNT 1000", walk("a", "b"), walk("b", "a"))).toBe(true);
    expect(same("SCAN 0 COUNT 1000", walk("a", "b"), walk("b"))).toBe(false);
    expect(same("SCAN 0 COUNT 1000", walk("a"), "-ERR syntax error\r\n")).toBe(false);
  });

  test("let through another version in HELLO, but no other field", () => {
    const hello = (version: string, mode: string) =>
      `*4\r\n$7\r\nversion\r\n$${version.length}\r\n${version}\r\n$4\r\nmode\r\n$3\r\n${mode}\r\n`;
    expect(same("HELLO", hello("7.0.15", "one"), hello("7.1", "one"))).toBe(true);
    expect(same("HELLO", hello("7.0.15", "one"), hello("7.0.15", "two"))).toBe(false);
  });
});

describe("splitReplies", () => {
  const reply = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("+OK\r\n", ":-7\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n"),
      fc.string().map((text) => `$${text.length}\r\n${text}\r\n`),
      tie("aggregate"),
    ),
    aggregate: fc.oneof(
      fc.array(tie("any")).map((all) => `*${all.length}\r\n${all.join("")}`),
      fc
        .array(fc.tuple(tie("any"), tie("any")))
        .map((all) => `%${all.length}\r\n${all.flat().join("")}`),
    ),
  })).any as fc.Arbitrary<string>;

  test("finds every boundary, and none in an unfinished reply", () => {
    fc.assert(
      fc.property(fc.array(reply, { minLength: 1 }), fc.nat(), (replies, cut) => {
        const bytes = Buffer.from(replies.join(""), "latin1");
        const found = splitReplies(bytes);
        expect(found.replies.map((one) => one.toString("latin1"))).toEqual(replies);
        const short = bytes.subarray(0, cut % bytes.length);
        const { replies: whole, rest } = splitReplies(short);
        expect(Buffer.concat([...whole, rest]).equals(short)).toBe(true);
        expect(whole.length).toBeLessThan(replies.length);
      }),
    );
  });

  test("refuses bytes that are no reply", () => {
    expect(() => splitReplies(Buffer.from("hello\r\n"))).toThrow("not a reply");
  });
});

describe("generateCommand", () => {
  const many = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 20_000 }, () => generateCommand(random));
  };

  test("gives the same sequence for the same seed, and another one for another seed", () => {
    expect(many(5)).toEqual(many(5));
    expect(many(5)).not.toEqual(many(6));
  });

  test("makes no key that falls due during a run", () => {
    expect(expiresSoon(["SET", "k", "v", "EX", "5"])).toBe(true);
    expect(expiresSoon(["pexpire", "k", "9999"])).toBe(true);
    expect(expiresSoon(["SET", "k", "5"])).toBe(false);
    expect(many(7).filter((words) => expiresSoon(words))).toEqual([]);
  });

  test("covers every command of its families", () => {
    const names = new Set(many(8).map(([name]) => (name ?? "").toLowerCase()));
    const expected =
      `append decr decrby get getdel getex getrange getset incr incrby incrbyfloat lcs
      mget mset msetnx psetex set setex setnx setrange strlen substr copy del exists expire expireat
      expiretime keys memory move object persist pexpire pexpireat pexpiretime pttl randomkey rename renamenx
      scan touch ttl type unlink echo hello ping select reset client auth dbsize flushall flushdb
      swapdb command config`.split(/\s+/);
    expect(expected.filter((name) => !names.has(name))).toEqual([]);
  });

  test("writes words as bulk strings with their lengths in bytes", () => {
    expect(encodeRequest(["GET", "a\r\n\xff"])).toBe("*2\r\n$3\r\nGET\r\n$4\r\na\r\n\xff\r\n");
  });
});
