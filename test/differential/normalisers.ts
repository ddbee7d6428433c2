// What cannot be equal between two servers, named with its reason; everything else is compared byte for byte.

import type { Words } from "../support/raw-client.ts";
import { members } from "../support/raw-replies.ts";

interface Normaliser {
  readonly reason: string;
  applies(name: string, words: Words): boolean;
  /** True when the two replies say the same in spite of different bytes. */
  same(oracle: Buffer, target: Buffer, words: Words): boolean;
}

const isError = (reply: Buffer) => reply[0] === 0x2d;

/** The members in one order, so that replies with other orders become equal. */
function sorted(reply: Buffer): string | null {
  const parts = members(reply);
  if (parts === null) return null;
  return (
    parts.header +
    parts.items
      .map((item) => item.toString("latin1"))
      .sort()
      .join("")
  );
}

function integerOf(reply: Buffer): number | null {
  const found = /^:(-?\d+)\r\n$/.exec(reply.toString("latin1"));
  return found === null ? null : Number(found[1]);
}

/** Both are the same special answer (-1, -2), or times that lie close together. */
const closeTimes = (tolerance: number) => (oracle: Buffer, target: Buffer) => {
  const [a, b] = [integerOf(oracle), integerOf(target)];
  if (a === null || b === null || a < 0 || b < 0) return false;
  return Math.abs(a - b) <= tolerance;
};

/** Equal after what a pattern finds has been replaced. */
const apartFrom = (pattern: RegExp) => (oracle: Buffer, target: Buffer) => {
  const blank = (reply: Buffer) => reply.toString("latin1").replace(pattern, "<differs>");
  return !isError(oracle) && blank(oracle) === blank(target);
};

/** The same keys whatever the order; what a part of a walk holds is private to each server. */
function sameScan(oracle: Buffer, target: Buffer, words: Words): boolean {
  const [a, b] = [members(oracle), members(target)];
  if (a === null || b === null || a.header !== b.header) return false;
  const [cursorA, keysA] = a.items;
  const [cursorB, keysB] = b.items;
  if (!(cursorA && cursorB && keysA && keysB)) return false;
  const whole = "$1\r\n0\r\n";
  const ends = [cursorA, cursorB].every((cursor) => cursor.toString("latin1") === whole);
  return ends && words[1] === "0" ? sorted(keysA) === sorted(keysB) : members(keysB) !== null;
}

/** CLIENT INFO: the same fields in the same order; what they say is about two different sockets. */
function sameFields(oracle: Buffer, target: Buffer): boolean {
  const fields = (reply: Buffer) =>
    reply
      .toString("latin1")
      .replace(/^[$=]\d+\r\n(txt:)?/, "")
      .replace(/=[^ \r\n]*/g, "=")
      .replace(" lib-name= lib-ver=", ""); // From Redis 7.2, whose clients send them.
  return !isError(oracle) && fields(oracle) === fields(target);
}

const named =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name);

const subcommand = (container: string, sub: string) => (name: string, words: Words) =>
  name === container && words[1]?.toLowerCase() === sub;

export const normalisers: readonly Normaliser[] = [
  {
    reason: "the order of a hash table's keys is an accident of its hash function",
    applies: named("keys"),
    same: (oracle, target) => sorted(oracle) !== null && sorted(oracle) === sorted(target),
  },
  {
    reason: "cursors are private to a server; the set of keys of a whole walk is not",
    applies: named("scan"),
    same: sameScan,
  },
  {
    reason: "a random key is any key (that one exists is compared)",
    applies: named("randomkey"),
    same: (oracle, target) => oracle[0] === 0x24 && target[0] === 0x24,
  },
  {
    reason: "two servers take the same command at slightly different times",
    applies: named("ttl", "expiretime", "lastsave"),
    same: closeTimes(2),
  },
  {
    reason: "two servers take the same command at slightly different times, in milliseconds",
    applies: named("pttl", "pexpiretime"),
    same: closeTimes(2_000),
  },
  {
    reason:
      "kvorum counts idle time on each node, from when it is first asked for or a policy needs it",
    applies: subcommand("object", "idletime"),
    same: (oracle, target) => {
      const [idle, here] = [integerOf(oracle), integerOf(target)];
      return idle !== null && here !== null && here <= idle + 2;
    },
  },
  {
    reason: "Redis does not look again at a string that APPEND, SETRANGE or INCRBYFLOAT has made",
    applies: subcommand("object", "encoding"),
    same: (oracle, target) =>
      /^\$\d\r\n(raw|embstr)\r\n$/.test(oracle.toString("latin1")) &&
      /^\$\d\r\n(embstr|int)\r\n$/.test(target.toString("latin1")),
  },
  {
    reason: "and such a string is not one of its shared integers",
    applies: subcommand("object", "refcount"),
    same: (oracle, target) => integerOf(oracle) === 1 && integerOf(target) === 2 ** 31 - 1,
  },
  {
    reason: "a key takes another room in memory here (that it is there is compared)",
    applies: subcommand("memory", "usage"),
    same: (oracle, target) => integerOf(oracle) !== null && integerOf(target) !== null,
  },
  {
    reason: "two processes have two memories",
    applies: (name, words) =>
      name === "memory" && /^(stats|doctor|malloc-stats)$/i.test(words[1] ?? ""),
    same: (oracle, target) => !isError(oracle) && oracle[0] === target[0],
  },
  {
    reason: "two clocks",
    applies: named("time"),
    same: apartFrom(/(?<=\r\n)\d+(?=\r\n)|\$\d+/g),
  },
  {
    reason: "client ids count the connections of one server",
    applies: subcommand("client", "id"),
    same: (oracle, target) => integerOf(oracle) !== null && integerOf(target) !== null,
  },
  {
    reason: "addresses, ages and ids belong to one connection",
    applies: subcommand("client", "info"),
    same: sameFields,
  },
  {
    reason: "HELLO names the client id and the server's version",
    applies: named("hello"),
    same: apartFrom(/(?<=\$2\r\nid\r\n):\d+|(?<=\$7\r\nversion\r\n)\$\d+\r\n[\d.]+/g),
  },
  {
    reason: "summaries, complexities and histories are written in own words (those have spaces)",
    applies: subcommand("command", "docs"),
    same: apartFrom(/\$\d+\r\n[^\r\n]* [^\r\n]*/g),
  },
  {
    reason: "kvorum has a part of Redis' commands",
    applies: subcommand("command", "count"),
    same: (oracle, target) => integerOf(oracle) !== null && integerOf(target) !== null,
  },
];

/** True when two replies to one command count as equal. */
export function sameReply(words: Words, oracle: Buffer, target: Buffer): boolean {
  if (oracle.equals(target)) return true;
  const name = (words[0] ?? "").toLowerCase();
  return normalisers.some((rule) => rule.applies(name, words) && rule.same(oracle, target, words));
}
