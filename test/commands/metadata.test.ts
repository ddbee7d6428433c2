// What commands say about themselves, beside what redis-server says about its own.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandDocs, commandInfo, fullName } from "../../src/state/commands/derive.ts";
import type { Command } from "../../src/state/commands/spec.ts";
import { commands } from "../../src/state/commands/table.ts";
import {
  isMapTree,
  isSetTree,
  type Tree,
  treeOfRaw,
  treeOfReply,
} from "../support/command-oracle.ts";
import { type Oracle, startOracle } from "../support/oracle.ts";
import { requireTool } from "../support/process-tools.ts";
import { RawClient } from "../support/raw-client.ts";

const all: readonly Command[] = [...commands.values()].flatMap((command) =>
  command.kind === "container" ? [command, ...command.subcommands.values()] : [command],
);

/** Kvorum's own, and what newer clients send although Redis 7.0 does not know it. */
const notInRedis = /^(raft(\|.*)?|client\|(setinfo|no-touch))$/;

/** Rows with the parts that are compared for every subcommand by itself. */
const subcommandsAt = 9;

function infoRow(tree: Tree): Tree {
  if (!Array.isArray(tree)) return tree;
  return tree.with(subcommandsAt, []);
}

const wordsOfOurOwn = new Set(["summary", "complexity", "subcommands"]);

/** Without prose: of the history only the versions stay. */
function docsFields(tree: Tree): Tree {
  if (!isMapTree(tree)) return tree;
  return {
    map: tree.map
      .filter(([name]) => !wordsOfOurOwn.has(name as string))
      .map(([name, value]) => (name === "history" ? [name, versions(value)] : [name, value])),
  };
}

function versions(history: Tree): Tree {
  if (!isSetTree(history)) return history;
  return history.set.map((change) => (change as readonly Tree[])[0] as Tree);
}

describe.skipIf(!requireTool("redis-server"))("the table beside redis-server", () => {
  let oracle: Oracle;
  let client: RawClient;

  beforeAll(async () => {
    oracle = await startOracle();
    client = await RawClient.connect(oracle.port);
    await client.command("HELLO", "3");
  }, 30_000);

  afterAll(async () => {
    client.close();
    await oracle.stop();
  });

  const ask = async (...words: string[]) => treeOfRaw(await client.command(...words));

  test.each(all.map((command) => [fullName(command), command] as const))(
    "%s describes itself as in Redis",
    async (name, command) => {
      const [info] = (await ask("COMMAND", "INFO", name)) as readonly Tree[];
      if (notInRedis.test(name)) {
        expect(info).toBeNull();
        return;
      }
      expect(infoRow(treeOfReply(commandInfo(command)))).toEqual(infoRow(info as Tree));

      const docs = (await ask("COMMAND", "DOCS", name)) as { map: [Tree, Tree][] };
      expect(docsFields(treeOfReply(commandDocs(command)))).toEqual(
        docsFields(docs.map[0]?.[1] as Tree),
      );
    },
  );
});
