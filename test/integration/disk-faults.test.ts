// Crashes and errors at chosen writes of the log, injected into the unmodified server by strace.

import { describe, expect, onTestFinished, test } from "vitest";
import { ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";

/** Files are opened with O_DSYNC: one positioned write is one durable batch, or at the start a small file. */
const logWrites = "pwrite64,pwritev";
/** strace counts calls per thread, so all file work runs on one. */
const oneThread = { UV_THREADPOOL_SIZE: "1" };

/** A node whose `at`-th durable write is met by a fault: the first ones make identity and log. `-D` keeps node our direct child. */
function faulty(fault: string, at: number): Promise<ServerProcess> {
  return ServerProcess.launch({
    wrapper: [
      ...["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${logWrites}`],
      ...["-e", `inject=${logWrites}:${fault}:when=${at}`],
    ],
    env: oneThread,
  });
}

/** Writes one by one, each a batch of its own, until the process ends. Returns the acknowledged. */
async function writeUntilTheEnd(server: ServerProcess): Promise<number> {
  const up = server.takesWrites(30_000).then(
    () => true,
    () => false,
  );
  if (!(await up)) return 0; // Met already while starting.
  const client = await server.connect();
  for (let n = 0; n < 200; n++) {
    client.send(["SET", `k${n}`, String(n)]);
    const [reply] = await client.replies(1, 10_000);
    if (reply === undefined) return n;
    expect(reply.toString("latin1")).toBe("+OK\r\n");
  }
  throw new Error("the fault was never met");
}

async function keepsAll(server: ServerProcess, acknowledged: number): Promise<void> {
  const next = await server.restart({ env: {} });
  onTestFinished(() => next.dispose());
  await next.takesWrites();
  const client = await next.connect();
  for (let n = 0; n < acknowledged; n++) {
    const value = String(n);
    expect(await client.ask("GET", `k${n}`)).toBe(`$${value.length}\r\n${value}\r\n`);
  }
  client.close();
  await next.kill();
}

describe.skipIf(!requireTool("strace"))("faults at a write of the log", () => {
  test("SIGKILL at each of the first 25 writes loses nothing acknowledged", async () => {
    let most = 0;
    for (let at = 1; at <= 25; at++) {
      const server = await faulty("signal=SIGKILL", at);
      onTestFinished(() => server.dispose());
      const acknowledged = await writeUntilTheEnd(server);
      expect(await server.exited).toEqual({ code: null, signal: "SIGKILL" });
      await keepsAll(server, acknowledged);
      most = Math.max(most, acknowledged);
    }
    expect(most).toBeGreaterThan(10); // The faults did reach the writes of clients.
  }, 240_000);

  test.each([
    ["EIO", "Input/output error"],
    ["ENOSPC", "No space left on device"],
  ])(
    "%s ends the process with a clear line; nothing acknowledged is lost",
    async (code, words) => {
      for (const at of [12, 20]) {
        const server = await faulty(`error=${code}`, at);
        onTestFinished(() => server.dispose());
        const acknowledged = await writeUntilTheEnd(server);
        const exit = await server.exited;
        expect(exit.signal).toBeNull();
        expect(exit.code).toBeGreaterThan(0);
        expect(server.log).toMatch(new RegExp(`disk.*${words}`));
        expect(server.log).not.toMatch(/(\n|\\n)\s+at .*:\d+:\d+/);
        expect(acknowledged).toBeGreaterThan(0);
        await keepsAll(server, acknowledged);
      }
    },
    120_000,
  );
});
