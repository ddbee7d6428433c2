// Pieces that many declarations share: key specifications and arguments.

import type { Argument, KeyFlag, KeySpec } from "./spec.ts";

/** One key at a place; the command's name is word 0. */
export function keyAt(at: number, ...flags: readonly KeyFlag[]): KeySpec {
  return { flags, begin: { at }, find: { last: 0, step: 1, limit: 0 } };
}

/** Every word after the name is a key. */
export function allKeys(...flags: readonly KeyFlag[]): readonly KeySpec[] {
  return [{ flags, begin: { at: 1 }, find: { last: -1, step: 1, limit: 0 } }];
}

/** Pairs of key and value follow the name. */
export function pairedKeys(...flags: readonly KeyFlag[]): readonly KeySpec[] {
  return [{ flags, begin: { at: 1 }, find: { last: -1, step: 2, limit: 0 } }];
}

/** A key that the n-th specification finds. */
export function keyNamed(name: string, keySpec = 0): Argument {
  return { name, type: "key", keySpec };
}

export const keyArgument: Argument = keyNamed("key");
export const keyArguments: Argument = { ...keyArgument, flags: ["multiple"] };
export const valueArgument: Argument = { name: "value", type: "string" };
export const pairArguments: Argument = {
  name: "key_value",
  type: "block",
  flags: ["multiple"],
  arguments: [keyArgument, valueArgument],
};

/** A bare word such as REPLACE; what it means goes by the same name in lower case. */
export function token(word: string, more: Partial<Argument> = {}): Argument {
  return { name: word.toLowerCase(), type: "pure-token", token: word, ...more };
}
