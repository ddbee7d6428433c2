// One node: what it has acknowledged is there after any crash.

import { expect, onTestFinished, test } from "vitest";
import { ServerProcess } from "../support/process-server.ts";
import { Writer } from "../support/process-writer.ts";

test("every acknowledged write is there after kill -9 under load, again and again", async () => {
  let server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const writer = new Writer("load");
  for (let round = 1; round <= 4; round++) {
    const running = writer.run(server.port);
    await writer.reaches(round * 1_000);
    await server.kill();
    const report = await running;
    expect(report.end).toBe("closed");
    expect(report.errors).toEqual([]);
    server = await server.restart();
    await server.takesWrites();
    expect(await writer.missingOn(server.port)).toEqual([]);
  }
});

test("a stop in order ends with code 0 and keeps everything", async () => {
  let server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const client = await server.connect();
  expect(await client.ask("MSET", "a", "1", "b", "2")).toBe("+OK\r\n");
  expect(await client.ask("PEXPIRE", "b", "10000000")).toBe(":1\r\n");
  client.close();
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  server = await server.restart();
  await server.takesWrites();
  const again = await server.connect();
  expect(await again.ask("MGET", "a", "b")).toBe("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  const ttl = Number((await again.ask("PTTL", "b")).slice(1));
  expect(ttl).toBeGreaterThan(9_000_000);
  expect(ttl).toBeLessThanOrEqual(10_000_000);
  again.close();
});

test("a second crash during the restart loses nothing either", async () => {
  let server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const writer = new Writer("load");
  const running = writer.run(server.port);
  await writer.reaches(3_000);
  await server.kill();
  await running;
  for (const delayMs of [50, 150, 250, 350]) {
    server = await server.restart();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await server.kill();
  }
  server = await server.restart();
  await server.takesWrites();
  expect(await writer.missingOn(server.port)).toEqual([]);
});

test("INFO tells how many commands a second are served, not only how many were", async () => {
  const server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const client = await server.connect();
  let rate = 0;
  for (let asked = 0; asked < 2_000 && rate === 0; asked++) {
    const info = await client.ask("INFO", "stats");
    rate = Number(/instantaneous_ops_per_sec:(\d+)/.exec(info)?.[1]);
    if (rate === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(rate).toBeGreaterThan(0);
  client.close();
});

test("replies keep the order of their requests around CLIENT UNPAUSE", async () => {
  const server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const client = await server.connect();
  client.send(["SET", "a", "1"], ["CLIENT", "UNPAUSE"], ["ECHO", "one"], ["ECHO", "two"]);
  const replies = (await client.replies(4)).map(String);
  expect(replies).toEqual(["+OK\r\n", "+OK\r\n", "$3\r\none\r\n", "$3\r\ntwo\r\n"]);
  client.close();
});
