import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClusterHost, runCluster } from "../../src/cli/cluster.ts";
import { LogMixer } from "../../src/cli/log-mixer.ts";

/**
 * Stands in for a node: listens, says so in JSON as pino does, ends on SIGTERM. Before it serves it is asked twice in
 * vain.
 */
const fakeNode = `
  import { createServer } from "node:net";
  import { mkdirSync, writeFileSync } from "node:fs";
  const option = (name) => process.argv[process.argv.indexOf(name) + 1];
  const say = (msg) => console.log(JSON.stringify({ level: 30, time: 0, msg }));
  const joins = process.argv.includes("--join") ? " joins " + option("--join") : "";
  process.once("disconnect", () => process.exit(1));
  process.once("SIGTERM", () => { say("ends"); process.exit(0); });
  mkdirSync(option("--dir"), { recursive: true });
  writeFileSync(option("--dir") + "/identity.json", "{}");
  let asked = 0;
  const answer = () => {
    asked += 1;
    if (asked < 3) return "-LOADING kvorum is loading the dataset in memory\\r\\n";
    if (asked === 3) say("serves");
    return "+PONG\\r\\n";
  };
  createServer((socket) => socket.end(answer())).listen(Number(option("--port")), "127.0.0.1", () => {
    say("up" + joins);
    console.error("pid " + process.pid);
  });
`;

class FakeHost implements ClusterHost {
  readonly command: readonly [string, ...string[]];
  readonly dir: string;
  readonly lines: string[] = [];
  interrupt: () => void = () => undefined;
  readonly #waiters: (() => void)[] = [];

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "kvorum-cluster-"));
    onTestFinished(() => rmSync(this.dir, { recursive: true, force: true }));
    const script = join(this.dir, "node.mjs");
    writeFileSync(script, fakeNode);
    this.command = [process.execPath, script];
    // Whatever the test came to: no process stays.
    onTestFinished(() => {
      this.interrupt();
      this.interrupt();
    });
  }

  readonly output = {
    write: (text: string) => {
      this.lines.push(text.trimEnd().replace(/\[\d\d:\d\d:\d\d\.\d+\] /, ""));
      for (const wake of this.#waiters.splice(0)) wake();
    },
  };

  onSignal(listener: () => void): () => void {
    this.interrupt = listener;
    return () => {
      this.interrupt = () => undefined;
    };
  }

  saw(line: string): Promise<void> {
    return this.until(() => this.lines.includes(line));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }
}

let nextPort = 17_420;

function started() {
  const host = new FakeHost();
  const port = nextPort;
  nextPort += 3;
  const options = { nodes: 3, port, dir: join(host.dir, "data"), logLevel: "notice" };
  return { host, port, code: runCluster(options, host) };
}

describe("kvorum cluster", () => {
  test("starts the first node, lets the others join it, and ends them from the last to the first", async () => {
    const { host, port, code } = started();
    await host.saw(`${port}   | INFO: up`);
    await host.saw(`${port + 1}   | INFO: up joins 127.0.0.1:${port}`);
    await host.saw(`${port + 2}   | INFO: up joins 127.0.0.1:${port}`);
    // A node that loads lets nobody in.
    const served = host.lines.indexOf(`${port}   | INFO: serves`);
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThan(
      host.lines.indexOf(`${port + 1}   | INFO: up joins 127.0.0.1:${port}`),
    );
    host.interrupt();
    expect(await code).toBe(0);
    const ends = host.lines.filter((line) => line.endsWith("has ended"));
    expect(ends).toEqual([2, 1, 0].map((at) => `cluster | node ${port + at} has ended`));
    const places = [2, 1, 0].map((at) => host.lines.indexOf(`${port + at}   | INFO: ends`));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(host.lines[0]).toBe(
      `cluster | 3 nodes on ports ${port} to ${port + 2}, data in ${join(host.dir, "data")}. ` +
        "Ctrl-C ends them",
    );
  });

  test("keeps the others when a node dies, and says how to start it again", async () => {
    const { host, port, code } = started();
    await host.saw(`${port + 2}   | INFO: up joins 127.0.0.1:${port}`);
    const named = (line: string) => line.startsWith(`${port + 1}   | pid `);
    await host.until(() => host.lines.some(named));
    const said = host.lines.find(named);
    process.kill(Number(said?.split(" ").at(-1)), "SIGKILL");
    await host.saw(
      `cluster | node ${port + 1} ended unexpectedly (signal SIGKILL); 2 still running`,
    );
    const again = host.lines.find((line) => line.includes("to start it again"));
    expect(again).toContain(`node.mjs --port ${port + 1} --bind 127.0.0.1 --dir ${host.dir}`);
    expect(again).toContain(`--join 127.0.0.1:${port}`);
    host.interrupt();
    expect(await code).toBe(0);
  });

  test("ends with code 1 when no node is left, without starting the others in vain", async () => {
    const host = new FakeHost();
    writeFileSync(join(host.dir, "node.mjs"), 'console.error("no room"); process.exit(3)');
    const options = { nodes: 3, port: 17_400, dir: join(host.dir, "data"), logLevel: "notice" };
    expect(await runCluster(options, host)).toBe(1);
    expect(host.lines.slice(1)).toEqual([
      "17400   | no room",
      "cluster | node 17400 ended unexpectedly (exit code 3); 0 still running",
    ]);
  });

  test("a second interrupt kills nodes that do not end", async () => {
    const host = new FakeHost();
    writeFileSync(
      join(host.dir, "node.mjs"),
      'process.on("SIGTERM", () => console.log("not yet")); console.log("up"); setInterval(() => 0, 1000)',
    );
    const options = { nodes: 1, port: 17_401, dir: join(host.dir, "data"), logLevel: "notice" };
    const code = runCluster(options, host);
    await host.saw("17401   | up");
    host.interrupt();
    await host.saw("17401   | not yet");
    host.interrupt();
    expect(await code).toBe(0);
  });
});

test("on a terminal each node has its own colour", async () => {
  const written: string[] = [];
  const mixer = new LogMixer({ isTTY: true, write: (text) => written.push(text) });
  const streams = [7000, 7001].map((port) => {
    const stream = Readable.from([`words of ${port}\n`]);
    mixer.follow(port, stream);
    return new Promise((resolve) => stream.once("close", resolve));
  });
  await Promise.all(streams);
  await new Promise((resolve) => setImmediate(resolve));
  const colours = written.map((text) => text.slice(0, 5));
  expect(new Set(colours).size).toBe(2);
  expect(written.join("")).toContain("| words of 7001\n");
});
