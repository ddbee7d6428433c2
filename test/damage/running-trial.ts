// A trial with a node that is hurt while it serves: it goes on answering right, or it stops.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { RawClient } from "../support/raw-client.ts";
import { type Damage, damageTo } from "./damages.ts";
import { filesOf } from "./file-kinds.ts";
import { readImage, withDirectory, writeImage } from "./image.ts";
import { type Reading, readByClient } from "./node-reading.ts";
import type { Prepared } from "./prepare.ts";
import { type RealNode, startRealNode } from "./real-node.ts";
import type { Chosen } from "./trial.ts";
import { judgeRefusal, type Verdict } from "./verdict.ts";

/** The files have changed since they were prepared, so the damage is chosen anew: same name, same kind of file. */
export function runningTrial(
  prepared: Prepared,
  { damage: { name, kind }, random }: Chosen,
): Promise<Verdict> {
  return withDirectory(async (path) => {
    writeImage(prepared.image, path);
    const first = await startRealNode(path);
    if ("refused" in first) return { problem: `an undamaged node refused: ${first.refused}` };
    const before = await read(first);
    const image = readImage(path);
    const targets = filesOf(image, kind);
    const target = targets[random.integer(targets.length)];
    if (target !== undefined) hurt(path, damageTo({ ...prepared, image }, target, name, random));
    const after = await read(first);
    if (!isDeepStrictEqual(before, after)) return { problem: "the running node reads otherwise" };
    const written = await writeAndSave(first);
    if (typeof written === "string") return { problem: written };
    await first.node.close();
    if (first.failures.length > 0) return { outcome: "refused", cutSaves: 0 };
    return judgeRestart(path, written);
  });
}

/** In place: the process has the file open. */
function hurt(path: string, damage: Damage | null): void {
  if (damage === null) return;
  const content = damage.image.get(damage.path);
  if (content === undefined) rmSync(join(path, damage.path));
  else writeFileSync(join(path, damage.path), content);
}

const read = (node: RealNode): Promise<Reading> => withClient(node, readByClient);

async function withClient<Result>(
  { node }: RealNode,
  use: (client: RawClient) => Promise<Result>,
): Promise<Result> {
  const client = await RawClient.connect(node.port);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** The reading after some writes and a checkpoint, or what was wrong. */
function writeAndSave(node: RealNode): Promise<Reading | string> {
  return withClient(node, async (client) => {
    for (let nth = 0; nth < 20; nth += 1) {
      const reply = await client.ask("SET", `later:${nth}`, "v".repeat(nth));
      if (reply !== "+OK\r\n") return `a write is answered ${reply}`;
    }
    await client.ask("SAVE");
    return readByClient(client);
  });
}

async function judgeRestart(path: string, written: Reading): Promise<Verdict> {
  const second = await startRealNode(path);
  if ("refused" in second) return judgeRefusal(second.refused);
  const reading = await read(second);
  await second.node.close();
  return isDeepStrictEqual(reading, written)
    ? { outcome: "same", cutSaves: 0 }
    : { problem: "after the restart something else is read" };
}
