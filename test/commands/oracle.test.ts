// Fixed sessions, replayed on redis-server in both protocols: every reply must have the same bytes.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeReply } from "../../src/resp/encode-reply.ts";
import type { Database } from "../../src/state/keyspace/database.ts";
import { typeCount } from "../../src/state/keyspace/types.ts";
import { type Tree, treeOfRaw } from "../support/command-oracle.ts";
import { CommandSession } from "../support/command-session.ts";
import { wordsOf } from "../support/command-words.ts";
import { type Oracle, startOracle } from "../support/oracle.ts";
import { requireTool } from "../support/process-tools.ts";
import { RawClient } from "../support/raw-client.ts";
import { transcripts } from "./oracle-transcripts.ts";

/** Replies whose order is not defined: compared as sets of keys. */
const unordered = /^(keys|scan)$/i;

function comparable(name: string, raw: string): unknown {
  return unordered.test(name) ? sorted(treeOfRaw(Buffer.from(raw, "latin1"))) : raw;
}

function sorted(tree: Tree): Tree {
  if (!Array.isArray(tree)) return tree;
  const items = tree.map(sorted);
  return items.every((item) => typeof item === "string") ? items.sort() : items;
}

/** Commands of other families by which a transcript sets the scene. */
function prepare(session: CommandSession, [name, word = ""]: readonly string[]): boolean {
  if (name === "select") session.select(Number(word));
  else if (name === "rpush") putForeign(session.database, word);
  else return false;
  return true;
}

/** A value that is no string. */
function putForeign(database: Database, key: string): void {
  database.replace(key, "");
  database.records.setType(database.addressOf(key), typeCount);
}

describe.skipIf(!requireTool("redis-server")).each([2, 3] as const)(
  "string and generic commands beside redis-server, RESP%i",
  (protocol) => {
    let oracle: Oracle;
    let client: RawClient;

    beforeAll(async () => {
      oracle = await startOracle();
      client = await RawClient.connect(oracle.port);
      await client.command("HELLO", String(protocol));
    }, 30_000);

    afterAll(async () => {
      client?.close();
      await oracle?.stop();
    });

    test.each(Object.entries(transcripts))("%s", async (_, transcript) => {
      await client.command("FLUSHALL");
      await client.command("SELECT", "0");
      const session = new CommandSession(Date.now());
      for (const line of transcript.split("\n").filter((each) => each.trim() !== "")) {
        const words = wordsOf(line);
        const name = words[0] ?? "";
        const theirs = await client.ask(...words);
        if (prepare(session, words)) continue;
        const ours = encodeReply(session.reply(...words), protocol);
        expect([line, comparable(name, ours)]).toEqual([line, comparable(name, theirs)]);
      }
    });
  },
);
