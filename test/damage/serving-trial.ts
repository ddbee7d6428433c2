// A trial with the node as it is: what a client reads of it after the start.

import { isDeepStrictEqual } from "node:util";
import { RawClient } from "../support/raw-client.ts";
import { withDirectory, writeImage } from "./image.ts";
import { readByClient, readingAt } from "./node-reading.ts";
import type { Prepared } from "./prepare.ts";
import { type RealNode, startRealNode } from "./real-node.ts";
import type { Chosen } from "./trial.ts";
import { judgeCut, judgeRefusal, type Verdict } from "./verdict.ts";

export function servingTrial(prepared: Prepared, { damage }: Chosen): Promise<Verdict> {
  return withDirectory(async (path) => {
    writeImage(damage.image, path);
    const found = await startRealNode(path);
    if ("refused" in found) return judgeRefusal(found.refused);
    try {
      return await judgeServing(prepared, damage, found);
    } finally {
      await found.node.close();
    }
  });
}

async function judgeServing(
  prepared: Prepared,
  damage: Chosen["damage"],
  { node, failures }: RealNode,
): Promise<Verdict> {
  const client = await RawClient.connect(node.port);
  try {
    const reading = await readByClient(client);
    const { saves } = prepared.history;
    const at = saves.findLastIndex(({ lastIndex }) =>
      isDeepStrictEqual(reading, readingAt(prepared.history, lastIndex)),
    );
    if (at < 0) return { problem: "a client reads what was never there" };
    const reply = await client.ask("SET", "written after the damage", "yes");
    if (reply !== "+OK\r\n") return { problem: `a write is answered ${reply}` };
    const again = await client.ask("GET", "written after the damage");
    if (again !== "$3\r\nyes\r\n") return { problem: `what was written is read as ${again}` };
    if (failures.length > 0) return { problem: String(failures[0]) };
    return judgeCut(prepared, damage, at);
  } finally {
    client.close();
  }
}
