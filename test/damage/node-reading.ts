// Everything that a client can see of a state, and what it must be.

import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import { tickProposal } from "../../src/state/execution/proposal.ts";
import type { RawClient } from "../support/raw-client.ts";
import type { History } from "./history.ts";

/** Databases that the prepared writes may touch. */
const databases = 4;

/** By database, in the order of KEYS: key, value, expiry in ms or -1. */
export type Reading = readonly (readonly (readonly [string, string, number])[])[];

export async function readByClient(client: RawClient): Promise<Reading> {
  const all: (readonly [string, string, number])[][] = [];
  for (let number = 0; number < databases; number += 1) {
    await client.ask("SELECT", String(number));
    const keys = bulksOf(await client.ask("KEYS", "*"));
    const rows: (readonly [string, string, number])[] = [];
    if (keys.length > 0) {
      client.send(
        ...keys.flatMap((key) => [
          ["GET", key],
          ["PEXPIRETIME", key],
        ]),
      );
      const replies = (await client.replies(2 * keys.length)).map((each) =>
        each.toString("latin1"),
      );
      keys.forEach((key, at) => {
        const expiry = Number(replies[2 * at + 1]?.slice(1, -2));
        rows.push([key, bulkOf(replies[2 * at] ?? ""), expiry]);
      });
    }
    all.push(rows);
  }
  return all;
}

const bulkOf = (reply: string): string => reply.slice(reply.indexOf("\r\n") + 2, -2);

/** Of an array of bulk strings. */
function bulksOf(reply: string): string[] {
  const bulks: string[] = [];
  for (let at = reply.indexOf("\r\n") + 2; at < reply.length; ) {
    const head = reply.indexOf("\r\n", at);
    const end = head + 2 + Number(reply.slice(at + 1, head));
    bulks.push(reply.slice(head + 2, end));
    at = end + 2;
  }
  return bulks;
}

/** The reading of the state at an entry, once the clock of the machine has passed the due keys. */
export function readingAt({ entries }: Pick<History, "entries">, lastIndex: number): Reading {
  const machine = new Machine({ commands });
  for (let index = 1; index <= lastIndex; index += 1) {
    const entry = entries.get(index);
    if (entry?.kind === "data") machine.apply(entry, null);
    else machine.pass(index);
  }
  const nowMs = Date.now();
  while ((machine.nextDueAt() ?? Number.POSITIVE_INFINITY) <= nowMs) {
    machine.apply({ index: machine.appliedIndex + 1, data: tickProposal(nowMs) }, null);
  }
  return machine.keyspace.databases
    .slice(0, databases)
    .map((database) =>
      [...database.filledPartitions()].flatMap((partition) =>
        Array.from(
          { length: partition.size },
          (_, at) =>
            [partition.key(at), partition.value(at), Number(partition.expiryAt(at) ?? -1)] as const,
        ),
      ),
    );
}
