import { expect, test } from "vitest";
import { ok } from "../../../src/resp/reply.ts";
import { SessionRunner } from "../../support/session-run.ts";

test("READONLY and READWRITE choose how the reads of a connection are answered", async () => {
  const runner = new SessionRunner();
  const { client } = runner.context;
  expect(client.readsLocally).toBe(false);
  expect(await runner.run("READONLY")).toBe(ok);
  expect(client.readsLocally).toBe(true);
  expect(await runner.run("READWRITE")).toBe(ok);
  expect(client.readsLocally).toBe(false);
});
