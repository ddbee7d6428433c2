// What an operation asks of one string key, read from the words of its command.

import { HistoryError, type Json, type Operation } from "./history.ts";

export type RegisterInput =
  | { readonly command: "get" | "del" | "getdel" | "exists" }
  | SetInput
  | { readonly command: "incrby"; readonly by: bigint }
  | { readonly command: "append"; readonly tail: string };

export interface SetInput {
  readonly command: "set";
  readonly value: string;
  readonly condition: "nx" | "xx" | null;
  /** Option GET: the reply is the old value. */
  readonly repliesOld: boolean;
  /** Option PX or EX, in milliseconds. */
  readonly ttlMs: number | null;
}

/** @throws {HistoryError} on a command or an option that the model does not know */
export function registerInput(operation: Operation): RegisterInput {
  const [, ...rest] = wordsOf(operation);
  const { op } = operation;
  switch (op) {
    case "get":
    case "del":
    case "getdel":
    case "exists":
      if (rest.length > 0) throw unknownTo(operation);
      return { command: op };
    case "incrby":
      return { command: op, by: BigInt(rest[0] ?? unfit(operation)) };
    case "append":
      return { command: op, tail: rest[0] ?? unfit(operation) };
    case "set":
      return setInput(operation, rest);
    default:
      throw unknownTo(operation);
  }
}

/** The key that an operation is about. */
export const keyOf = (operation: Operation): string => wordsOf(operation)[0] ?? unfit(operation);

function setInput(operation: Operation, [value, ...options]: readonly string[]): SetInput {
  let condition: SetInput["condition"] = null;
  let repliesOld = false;
  let ttlMs: number | null = null;
  for (let at = 0; at < options.length; at++) {
    const option = options[at]?.toLowerCase();
    if (option === "nx" || option === "xx") condition = option;
    else if (option === "get") repliesOld = true;
    else if (option === "px") ttlMs = positive(operation, options[++at]);
    else if (option === "ex") ttlMs = 1000 * positive(operation, options[++at]);
    else throw unknownTo(operation);
  }
  return { command: "set", value: value ?? unfit(operation), condition, repliesOld, ttlMs };
}

function positive(operation: Operation, word: string | undefined): number {
  const number = Number(word);
  if (!Number.isSafeInteger(number) || number <= 0) throw unknownTo(operation);
  return number;
}

const isWord = (value: Json): value is string => typeof value === "string";

function wordsOf(operation: Operation): readonly string[] {
  if (!operation.args.every(isWord)) throw unknownTo(operation);
  return operation.args;
}

function unfit(operation: Operation): never {
  throw unknownTo(operation);
}

const unknownTo = ({ id, op, args }: Operation): HistoryError =>
  new HistoryError(`operation ${id}: the model does not know ${op} ${JSON.stringify(args)}`);
