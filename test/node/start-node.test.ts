// A start that is called off: wherever it is, it gives everything back, and the next one finds all data.

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { loadConfig } from "../../src/node/config/config.ts";
import type { OptionName } from "../../src/node/config/config-options.ts";
import { RuntimeConfig } from "../../src/node/config/config-runtime.ts";
import { startNode } from "../../src/node/start-node.ts";
import { sparePort } from "../support/process-ports.ts";
import { RawClient } from "../support/raw-client.ts";

/** On ports that an earlier start has to have given back. */
const port = await sparePort();

function start(dir: string, stopping: AbortSignal) {
  const flags = new Map<OptionName, readonly string[]>([
    ["port", [String(port)]],
    ["bind", ["127.0.0.1"]],
    ["dir", [dir]],
  ]);
  const runtime = new RuntimeConfig(loadConfig({ flags, environment: {}, openFiles: null }));
  return startNode(runtime, {
    logger: createLogger("silent"),
    onFailure: (error) => {
      throw error;
    },
    onShutdown: () => {},
    stopping,
  });
}

/** After so many turns of the event loop, unless the start is over before that. */
async function callOff(dir: string, turns: number): Promise<"called off" | "served"> {
  const stopping = new AbortController();
  const reason = new Error("called off");
  let left = turns;
  const turn = (): void => {
    if (left-- > 0) setImmediate(turn);
    else stopping.abort(reason);
  };
  turn();
  const outcome = await start(dir, stopping.signal).catch((error: unknown) => error);
  left = 0;
  if (outcome === reason) return "called off";
  if (outcome instanceof Error) throw outcome;
  await (outcome as Awaited<ReturnType<typeof start>>).close();
  return "served";
}

test("a start may be called off in any turn of the event loop", async () => {
  const parent = await mkdtemp(join(tmpdir(), "kvorum-start-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  const [before, dir] = [join(parent, "before"), join(parent, "dir")];
  const first = await start(before, new AbortController().signal);
  const client = await RawClient.connect(first.port);
  for (let key = 0; key < 40; key++) await client.ask("SET", `key:${key}`, "v".repeat(100_000));
  client.close();
  // As after a crash: there is no checkpoint yet, and a log to be read and applied.
  await cp(before, dir, { recursive: true, filter: (path) => !/lock\./i.test(path) });
  await first.close();

  let offs = 0;
  for (let turns = 0; (await callOff(dir, turns)) === "called off"; turns += 1 + (turns >> 3))
    offs++;
  expect(offs).toBeGreaterThan(10);

  const last = await start(dir, new AbortController().signal);
  const again = await RawClient.connect(last.port);
  expect(await again.ask("DBSIZE")).toBe(":40\r\n");
  again.close();
  await last.close();
});
