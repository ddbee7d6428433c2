// Lists kept in strings: APPEND key ",17" is an append of 17, and GET shows ",3,17".
//
// An operation is one command, or a `txn` of several (MULTI/EXEC) with one reply each:
//
//   append key ",17"              an append; its reply, the length, is checked against the order of the key
//   get key, mget key...          a read of each key; a missing key is the empty list
//   mset key ",17" key ",18"...   creates lists of one value each, atomically
//
// MSET replaces what is there, and a replaced list would look lost. So it may only create: one MSET per key,
// acknowledged before anything else is appended to the key. A history that breaks this rule is refused.

import type { Anomaly } from "./anomaly.ts";
import { endOf, HistoryError, type Json, type Operation } from "./history.ts";
import { checkListAppend } from "./list-append.ts";
import { type StringCommand, stringCommands } from "./string-list-commands.ts";
import { type MicroOp, type Transaction, transactionInWords } from "./transaction.ts";
import type { VersionOrder } from "./version-order.ts";

/**
 * Everything that contradicts strict serializability in a history of APPEND, GET, MGET and MSET.
 * @throws {HistoryError} on another command, a value of another form, or an MSET that does not create
 */
export function checkStringLists(history: readonly Operation[]): readonly Anomaly[] {
  const parsed = history.map((operation) => ({ operation, commands: stringCommands(operation) }));
  refuseReplacements(parsed);
  const unreadable: Anomaly[] = [];
  const transactions = parsed.map(({ operation, commands }) => {
    const ops = commands.flatMap((command) => microOps(command));
    const { id, client, call, ret, kind } = operation;
    const transaction: Transaction = { id, client, call, ret, kind, ops };
    for (const { key, reply } of commands.flatMap(readsOf)) {
      if (listOf(reply) !== null || kind !== "ok") continue;
      const explanation = `${key}: ${JSON.stringify(reply)} is no list:\n  ${transactionInWords(transaction)}`;
      unreadable.push({ name: "garbage-read", explanation, transactions: [transaction] });
    }
    return transaction;
  });
  const { anomalies, versions } = checkListAppend(transactions);
  return [...unreadable, ...anomalies, ...wrongLengths(parsed, transactions, versions)];
}

interface Parsed {
  readonly operation: Operation;
  readonly commands: readonly StringCommand[];
}

function microOps(command: StringCommand): MicroOp[] {
  if (command.name === "read") {
    return readsOf(command).map(({ key, reply }) => ["read", key, listOf(reply)]);
  }
  return command.values.map(({ key, value }) => ["append", key, value]);
}

interface OneRead {
  readonly key: string;
  readonly reply: Json | undefined;
}

const readsOf = (command: StringCommand): OneRead[] =>
  command.name === "read"
    ? command.keys.map((key, at) => ({ key, reply: command.replies?.[at] }))
    : [];

const listPattern = /^(?:,(?:0|[1-9][0-9]*))*$/;

/** The list that a string holds; null when there is none to be read. */
function listOf(reply: Json | undefined): number[] | null {
  if (reply === null) return [];
  if (typeof reply !== "string" || !listPattern.test(reply)) return null;
  return reply.split(",").slice(1).map(Number);
}

function refuseReplacements(history: readonly Parsed[]): void {
  const effective = history.filter(({ operation }) => operation.kind !== "fail");
  /** By key: the operation that creates it. */
  const creators = new Map<string, Operation>();
  for (const { operation, commands } of effective) {
    for (const key of keysOf(commands, "create")) {
      const other = creators.get(key);
      if (other !== undefined) refuse(key, `is created by ${other.id} and ${operation.id}`);
      creators.set(key, operation);
    }
  }
  for (const { operation, commands } of effective) {
    for (const key of keysOf(commands, "append")) {
      const creator = creators.get(key);
      if (creator === undefined || endOf(creator) < operation.call) continue;
      refuse(key, `is appended to by ${operation.id} before ${creator.id} has created it`);
    }
  }
}

const keysOf = (commands: readonly StringCommand[], name: "create" | "append"): string[] =>
  commands.flatMap((command) =>
    command.name === name ? command.values.map(({ key }) => key) : [],
  );

function refuse(key: string, what: string): never {
  throw new HistoryError(`${key} ${what}: MSET may only create`);
}

const encodedLength = (value: number): number => 1 + String(value).length;

/** APPEND replies the length of the string, so it says where in the order its value stands. */
function wrongLengths(
  history: readonly Parsed[],
  transactions: readonly Transaction[],
  versions: readonly VersionOrder[],
): Anomaly[] {
  const lengths = new Map(versions.map((version) => [version.key, lengthsOf(version)]));
  const anomalies: Anomaly[] = [];
  for (const [at, { commands }] of history.entries()) {
    for (const command of commands) {
      if (command.name !== "append" || command.reply === undefined) continue;
      const [{ key, value }] = command.values;
      const expected = lengths.get(key)?.get(value);
      if (expected === undefined || expected === command.reply) continue;
      const transaction = transactions[at] as Transaction;
      const what = `${key}: the append of ${value} replied length ${JSON.stringify(command.reply)}, its place in the order says ${expected}`;
      const explanation = `${what}:\n  ${transactionInWords(transaction)}`;
      anomalies.push({ name: "wrong-length", explanation, transactions: [transaction] });
    }
  }
  return anomalies;
}

/** By value: the length of the string that ends with it. */
function lengthsOf({ order, isTrusted }: VersionOrder): Map<number, number> {
  const lengths = new Map<number, number>();
  let length = 0;
  for (const value of isTrusted ? order : []) {
    length += encodedLength(value);
    lengths.set(value, length);
  }
  return lengths;
}
