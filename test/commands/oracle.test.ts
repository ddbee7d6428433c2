// Fixed sessions, replayed on redis-server: every reply must be the same.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Tree, treeOfRaw, treeOfReply } from "../support/command-oracle.ts";
import { CommandSession } from "../support/command-session.ts";
import { wordsOf } from "../support/command-words.ts";
import { type Oracle, startOracle } from "../support/oracle.ts";
import { requireTool } from "../support/process-tools.ts";
import { RawClient } from "../support/raw-client.ts";
import { transcripts } from "./oracle-transcripts.ts";

/** Replies whose order is not defined. */
const unordered = /^(keys|scan)$/i;

function sorted(tree: Tree): Tree {
  if (!Array.isArray(tree)) return tree;
  const items = tree.map(sorted);
  return items.every((item) => typeof item === "string") ? items.sort() : items;
}

describe.skipIf(!requireTool("redis-server"))(
  "string and generic commands beside redis-server",
  () => {
    let oracle: Oracle;
    let client: RawClient;

    beforeAll(async () => {
      oracle = await startOracle();
      client = await RawClient.connect(oracle.port);
      await client.command("HELLO", "3");
    }, 30_000);

    afterAll(async () => {
      client?.close();
      await oracle?.stop();
    });

    test.each(Object.entries(transcripts))("%s", async (_, transcript) => {
      await client.command("FLUSHALL");
      await client.command("SELECT", "0");
      const session = new CommandSession(Date.now());
      for (const line of transcript
        .split("\n")
        .map((each) => each.trim())
        .filter(Boolean)) {
        const words = wordsOf(line);
        const name = words[0] ?? "";
        const theirs = treeOfRaw(await client.command(...words));
        if (name === "select") {
          session.select(Number(words[1]));
          continue;
        }
        const ours = treeOfReply(session.reply(...words));
        const order = unordered.test(name) ? sorted : (tree: Tree) => tree;
        expect([line, order(ours)]).toEqual([line, order(theirs)]);
      }
    });
  },
);
