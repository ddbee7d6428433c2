// Histories as tests write them: one line per operation, in milliseconds.
//
//   0..10 c1 set x a -> OK        acknowledged
//   5..20 c2 get x -> nil         a null reply
//   0..10 c3 set x b -> fail      definitely not executed
//   0..   c4 set x b -> info      outcome unknown
//
// Of transactions a line is like
//
//   0..10 c1 append x 1, read y [2 3]
//   0..10 c2 append x 4 -> fail

import type { Json, Operation, Outcome } from "../history.ts";
import type { MicroOp, Transaction } from "../transaction.ts";

const linePattern = /^(\d+)\.\.(\d*) +c(\d+) +(.*?)(?: +-> (.*))?$/;

interface Line {
  readonly id: number;
  readonly client: number;
  readonly call: number;
  readonly ret: number | null;
  readonly kind: Outcome;
  readonly words: string;
  readonly reply: string | undefined;
}

function linesOf(text: string): Line[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).map((line, index) => {
    const [, call, ret, client, words, reply] = linePattern.exec(line) ?? [];
    if (words === undefined) throw new Error(`no line of a timeline: ${line}`);
    return {
      id: index + 1,
      client: Number(client),
      call: Number(call) * 1e6,
      ret: ret === "" ? null : Number(ret) * 1e6,
      kind: reply === "fail" || reply === "info" ? reply : "ok",
      words,
      reply,
    };
  });
}

/** Commands whose reply is an integer. */
const counting = new Set(["incrby", "append", "del", "exists"]);

export function operations(text: string): Operation[] {
  return linesOf(text).map(({ words, reply = "", kind, ...rest }) => {
    const [op = "", ...args] = words.split(" ");
    const res: Json = kind !== "ok" || reply === "nil" ? null : counting.has(op) ? +reply : reply;
    return { ...rest, node: 1, op, args, res, kind };
  });
}

export function transactions(text: string): Transaction[] {
  return linesOf(text).map(({ id, client, call, ret, kind, words }) => {
    const ops = words.split(", ").map((part) => microOp(part));
    return { id, client, call, ret, kind, ops };
  });
}

function microOp(text: string): MicroOp {
  const [, name, key = "", what = ""] = /^(append|read) (\S+) (.+)$/.exec(text) ?? [];
  if (name === "append") return ["append", key, Number(what)];
  if (what === "?") return ["read", key, null];
  return ["read", key, [...what.matchAll(/\d+/g)].map(Number)];
}
