// Mistakes of an operator: one clear line, a code other than 0, no stack trace, nothing damaged.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { sparePort } from "../support/process-ports.ts";
import { mainJs, root, ServerProcess } from "../support/process-server.ts";

function expectComplaint(exit: { code: number | null }, log: string, words: RegExp): void {
  expect(exit.code, log).toBeGreaterThan(0);
  expect(log).toMatch(words);
  expect(log).not.toMatch(/(\n|\\n)\s+at .*:\d+:\d+/);
}

describe("the command line", () => {
  test.each([
    ["an option that does not exist", ["--nosuch", "1"], /nosuch/],
    ["an option without its value", ["--port"], /port/],
    ["a port that is no number", ["--port", "x"], /port/],
    ["a port out of range", ["--port", "70000"], /port/],
    ["an address without a port", ["--join", "localhost"], /join/],
    ["a word too many", ["surprise"], /surprise/],
  ])("names %s", (_, args, words) => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [mainJs, ...args], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expectComplaint({ code: status }, stderr, words);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
  });

  test("explains itself with --help and tells its version with --version", () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    const ask = (option: string) =>
      spawnSync(process.execPath, [mainJs, option], { encoding: "utf8", timeout: 20_000 });
    expect(ask("--help").stdout).toContain("--port");
    expect(ask("--help").status).toBe(0);
    expect(ask("--version").stdout.trim()).toContain(manifest.version);
  });
});

test("a port that is taken is named, and nothing is left behind", async () => {
  const port = await sparePort();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => squatter.close(() => resolve())));
  const server = await ServerProcess.launch({ port });
  onTestFinished(() => server.dispose());
  expectComplaint(await server.exited, server.log, new RegExp(`${port}.*(in use|EADDRINUSE)`, "s"));
});

test("a directory that another node uses is refused, and that node goes on", async () => {
  const first = await ServerProcess.start();
  onTestFinished(() => first.dispose());
  const second = await ServerProcess.launch({ dir: first.dir });
  onTestFinished(() => second.dispose());
  expectComplaint(await second.exited, second.log, /use/i);
  await first.takesWrites();
});

test("a directory that cannot be written is named", async () => {
  const dir = join(root, "package.json", "data"); // Below a file there is no directory.
  const server = await ServerProcess.launch({ dir });
  onTestFinished(() => server.dispose());
  expectComplaint(await server.exited, server.log, /package\.json/);
});

test("joining a cluster that is not there ends with a clear line", async () => {
  const nobody = await sparePort();
  const server = await ServerProcess.launch({ join: nobody });
  onTestFinished(() => server.dispose());
  const patience = new Promise((resolve) => setTimeout(() => resolve("still trying"), 8_000));
  const first = await Promise.race([server.exited, patience]);
  // A node may try for a while, because a whole cluster may be starting; it must say what it does.
  if (first === "still trying") expect(server.log).toContain(String(nobody));
  else expectComplaint(await server.exited, server.log, new RegExp(String(nobody)));
});
