// The embedded API: a node inside this process, on a port that it picks.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { createServer } from "../../src/create-server.ts";

test("createServer() serves clients on a free port and removes its directory at the end", async () => {
  const server = await createServer();
  expect(server.port).toBeGreaterThan(0);
  const redis = new Redis(server.port, server.host);
  expect(await redis.set("k", "v")).toBe("OK");
  expect(await redis.get("k")).toBe("v");
  redis.disconnect();
  expect(existsSync(server.dir)).toBe(true);
  await server.close();
  await server.close(); // Harmless.
  expect(existsSync(server.dir)).toBe(false);
});

test("two servers in one process do not meet, and a given directory keeps its data", async () => {
  const dir = await mkdtemp(join(tmpdir(), "kvorum-embedded-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const [one, other] = [await createServer({ dir }), await createServer()];
  const [redis, elsewhere] = [new Redis(one.port), new Redis(other.port)];
  await redis.set("k", "v");
  expect(await elsewhere.get("k")).toBeNull();
  redis.disconnect();
  elsewhere.disconnect();
  await Promise.all([one.close(), other.close()]);

  const again = await createServer({ dir, password: "secret" });
  const authenticated = new Redis(again.port, { password: "secret" });
  expect(await authenticated.get("k")).toBe("v");
  authenticated.disconnect();
  await again.close();
});
