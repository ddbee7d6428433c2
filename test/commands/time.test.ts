// What the passing of log time does to keys, seen through commands.

import { expect, test } from "vitest";
import { CommandSession, play, type Transcript } from "../support/command-session.ts";

test("a key is dead from the very millisecond in which it falls due", () => {
  const session = new CommandSession();
  session.run("set k v px 1000");
  session.advance(999);
  expect(session.run("get k")).toBe("v");
  expect(session.run("pttl k")).toBe(1);
  session.advance(1);
  expect(session.run("get k")).toBe(null);
  expect(session.run("pttl k")).toBe(-2);
});

test("commands take a dead key for a missing one", () => {
  const session = new CommandSession();
  const keys = "a b c d e f g h i j k l m n o p".split(" ");
  for (const key of keys) session.run(`set ${key} 5 px 10`);
  session.run("set alive 1");
  session.advance(10);
  const dead: Transcript = [
    ["exists a b c", 0],
    ["keys *", ["alive"]],
    ["scan 0 count 100", ["0", ["alive"]]],
    ["randomkey", "alive"],
    ["incr a", 1],
    ["ttl a", -1],
    ["append b x", 1],
    ["setnx c new", 1],
    ["set d v xx", null],
    ["set d v nx get", null],
    ["setrange e 1 x", 2],
    ["getset f v", null],
    ["getdel g", null],
    ["del h", 0],
    ["persist h", 0],
    ["expire h 100", 0],
    ["rename i x", "-ERR no such key"],
    ["copy j alive replace", 0],
    ["copy alive j", 1],
    ["renamenx alive k", 1],
    ["msetnx l 1 m 2", 1],
    ["move n 1", 0],
    ["type o", "+none"],
    ["object encoding o", null],
    ["set p v keepttl", "+OK"],
    ["ttl p", -1],
    ["ttl f", -1],
  ];
  expect(play(dead, session)).toEqual(dead);
});

test("a time that has passed removes the key at once, whoever sets it", () => {
  for (const line of [
    "set k v pxat 1",
    "set k v exat 1 get",
    "getex k exat 1",
    "expire k 0",
    "pexpire k -1",
    "expireat k 1700000000",
    "pexpireat k 1700000000000",
  ]) {
    const session = new CommandSession();
    session.run("set k v");
    session.run(line);
    expect([line, session.database.size]).toEqual([line, 0]);
  }
});
