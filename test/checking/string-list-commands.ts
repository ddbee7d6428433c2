// The commands of an operation on lists in strings, read from its words.

import { HistoryError, type Json, type Operation } from "./history.ts";

export type StringCommand =
  | {
      readonly name: "append";
      readonly values: readonly [KeyValue];
      /** The length; undefined when the operation was not acknowledged. */
      readonly reply: Json | undefined;
    }
  | { readonly name: "create"; readonly values: readonly KeyValue[] }
  | {
      readonly name: "read";
      readonly keys: readonly string[];
      /** One per key; undefined when the operation was not acknowledged. */
      readonly replies: readonly Json[] | undefined;
    };

export interface KeyValue {
  readonly key: string;
  readonly value: number;
}

/** @throws {HistoryError} on a command that is none of APPEND, GET, MGET and MSET, or another form of value */
export function stringCommands(operation: Operation): readonly StringCommand[] {
  const { op, args, res, kind } = operation;
  if (op !== "txn") return [commandOf([op, ...args], kind === "ok" ? res : undefined, operation)];
  const replies = kind === "ok" ? listAt(res, operation) : undefined;
  if (replies !== undefined && replies.length !== args.length) throw unfit(operation);
  return args.map((words, at) => commandOf(listAt(words, operation), replies?.[at], operation));
}

function commandOf(
  words: readonly Json[],
  reply: Json | undefined,
  operation: Operation,
): StringCommand {
  const [name = "", ...texts] = words.map((word) => textAt(word, operation));
  switch (name) {
    case "append":
      if (texts.length !== 2) throw unfit(operation);
      return { name, values: [valueAt(texts, 0, operation)], reply };
    case "mset":
      if (texts.length === 0) throw unfit(operation);
      return {
        name: "create",
        values: texts.flatMap((_, at) => (at % 2 === 0 ? [valueAt(texts, at, operation)] : [])),
      };
    case "get":
      if (texts.length !== 1) throw unfit(operation);
      return { name: "read", keys: texts, replies: reply === undefined ? undefined : [reply] };
    case "mget": {
      const replies = reply === undefined ? undefined : listAt(reply, operation);
      if (replies !== undefined && replies.length !== texts.length) throw unfit(operation);
      return { name: "read", keys: texts, replies };
    }
    default:
      throw unfit(operation);
  }
}

const elementPattern = /^,(?:0|[1-9][0-9]*)$/;

/** One value, as it may be appended to the string at a key. */
function valueAt(texts: readonly string[], at: number, operation: Operation): KeyValue {
  const key = texts[at];
  const element = texts[at + 1];
  if (key === undefined || element === undefined || !elementPattern.test(element)) {
    throw unfit(operation);
  }
  return { key, value: Number(element.slice(1)) };
}

function textAt(value: Json, operation: Operation): string {
  if (typeof value !== "string") throw unfit(operation);
  return value;
}

function listAt(value: Json | undefined, operation: Operation): readonly Json[] {
  if (value === null || typeof value !== "object") throw unfit(operation);
  return value;
}

const unfit = ({ id, op, args, res }: Operation): HistoryError =>
  new HistoryError(
    `operation ${id}: no history of lists in strings: ${op} ${JSON.stringify([args, res])}`,
  );
