// Raw replies of a real server and our reply values in one form that can be compared.

import {
  DoubleReply,
  ErrorReply,
  MapReply,
  NullArrayReply,
  plain,
  type Reply,
  SetReply,
  SimpleString,
} from "../../src/resp/reply.ts";
import { members } from "./raw-replies.ts";

/** A reply with the type it has in RESP3: what a set is stays a set. */
export type Tree =
  | string
  | null
  | readonly Tree[]
  | { readonly [type in "simple" | "error" | "integer" | "double"]?: string }
  | SetTree
  | MapTree;

export interface SetTree {
  readonly set: readonly Tree[];
}

export interface MapTree {
  readonly map: readonly (readonly [Tree, Tree])[];
}

export function isSetTree(tree: Tree): tree is SetTree {
  return tree !== null && typeof tree === "object" && "set" in tree;
}

export function isMapTree(tree: Tree): tree is MapTree {
  // Arrays have a method of that name.
  return tree !== null && typeof tree === "object" && !Array.isArray(tree) && "map" in tree;
}

const tagged: ReadonlyMap<string, "simple" | "error" | "integer" | "double"> = new Map([
  ["+", "simple"],
  ["-", "error"],
  [":", "integer"],
  [",", "double"],
]);

/** One raw reply as a tree. */
export function treeOfRaw(raw: Buffer): Tree {
  const type = String.fromCharCode(raw[0] ?? 0);
  const lineEnd = raw.indexOf("\r\n");
  const line = raw.toString("latin1", 1, lineEnd);
  const tag = tagged.get(type);
  if (tag !== undefined) return { [tag]: line };
  if (type === "_" || line === "-1") return null;
  if (type === "$") return raw.toString("latin1", lineEnd + 2, raw.length - 2);
  const items = (members(raw)?.items ?? []).map(treeOfRaw);
  if (type === "*") return items;
  if (type === "~") return { set: items };
  if (type !== "%") throw new Error(`not expected here: ${line}`);
  const pairs: [Tree, Tree][] = [];
  for (let at = 0; at < items.length; at += 2) {
    pairs.push([items[at] as Tree, items[at + 1] as Tree]);
  }
  return { map: pairs };
}

/** One of our reply values as a tree. */
export function treeOfReply(reply: Reply): Tree {
  if (reply === null || typeof reply === "string") return reply;
  if (typeof reply === "number" || typeof reply === "bigint") return { integer: String(reply) };
  if (reply instanceof SimpleString) return { simple: reply.text };
  if (reply instanceof ErrorReply) return { error: reply.text };
  if (reply instanceof DoubleReply) return { double: String(reply.value) };
  if (reply instanceof NullArrayReply) return null;
  if (reply instanceof SetReply) return { set: plain(reply.items).map(treeOfReply) };
  if (reply instanceof MapReply) {
    return {
      map: plain(reply.entries).map(([key, value]) => [treeOfReply(key), treeOfReply(value)]),
    };
  }
  if (Array.isArray(reply)) return (reply as readonly Reply[]).map(treeOfReply);
  throw new Error(`not expected here: ${JSON.stringify(reply)}`);
}
