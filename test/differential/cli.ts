// npm run fuzz:redis -- --seed N --commands N: kvorum against redis-server until the first difference.

import { parseArgs } from "node:util";
import { startOracle } from "../support/oracle.ts";
import { ServerProcess } from "../support/process-server.ts";
import type { Sides } from "./compare.ts";
import { describeDifference, fuzz } from "./fuzz.ts";

const usage = `Usage: npm run fuzz:redis -- [options]
  --seed N       first seed (default: from the clock)
  --commands N   commands to send (default 100000)
  --self         redis-server against redis-server: proves that the harness itself sees no difference
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    commands: { type: "string", default: "100000" },
    self: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) process.stdout.write(usage);
else process.exitCode = await run();

async function run(): Promise<number> {
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const oracle = await startOracle();
  const target = values.self ? await startOracle() : await ServerProcess.start();
  const sides: Sides = {
    oracle: { name: "redis-server", port: oracle.port },
    target: { name: values.self ? "redis-server (2nd)" : "kvorum", port: target.port },
  };
  try {
    process.stdout.write(`seed ${seed}, ${values.commands} commands\n`);
    const difference = await fuzz(sides, {
      seed,
      commands: Number(values.commands),
      onRound: (done) => {
        if (done % 10_000 === 0) process.stdout.write(`${done} commands, no difference\n`);
      },
    });
    const verdict = difference === null ? "no difference" : describeDifference(difference, sides);
    process.stdout.write(`${verdict}\n`);
    return difference === null ? 0 : 1;
  } finally {
    await oracle.stop();
    await ("dispose" in target ? target.dispose() : target.stop());
  }
}
