// Entry of `npm start`, `npm test` and `npm run bench`: a fresh clone needs Node.js and npm, nothing else.
// Installs and builds what is missing or out of date, then runs. Until then only Node's own modules are there.

import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const inRoot = (...parts) => join(root, ...parts);

/** Compiled with the sources they import into scripts/dist, because Node 20 runs no TypeScript. */
const tools = {
  bench: "benchmarks/main.js",
  "fuzz:redis": "test/differential/cli.js",
  simulate: "test/simulation/cli.js",
  mutants: "test/mutants/cli.js",
  chaos: "test/chaos/cli.js",
  damage: "test/damage/cli.js",
  soak: "test/soak/cli.js",
};

const commands = new Map([
  ["start", (args) => run(process.execPath, [inRoot("dist", "main.js"), ...args])],
  ["test", runTests],
  ...Object.entries(tools).map(([name, file]) => [name, (args) => runTool(file, args)]),
]);

async function main([name, ...args]) {
  const tooOld = nodeProblem();
  if (tooOld !== null) return complain(tooOld);
  const command = commands.get(name);
  if (command === undefined) {
    return complain(`usage: node scripts/run.js ${[...commands.keys()].join("|")} [arguments]`);
  }
  const prepared = prepare();
  return prepared === 0 ? command(args) : prepared;
}

/** What is wrong with this Node.js, or null. */
function nodeProblem() {
  const { node } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")).engines;
  const wanted = node
    .replace(/[^\d.]/g, "")
    .split(".")
    .map(Number);
  const running = process.versions.node.split(".").map(Number);
  const at = wanted.findIndex((number, index) => number !== running[index]);
  if (at < 0 || running[at] > wanted[at]) return null;
  return `kvorum needs Node.js ${node}; this is ${process.versions.node}. See https://nodejs.org/`;
}

/** Each step says when it is due and what it does; a due step runs under a lock. */
const steps = [
  {
    due: () => newest("package-lock.json") > modified(inRoot("node_modules", ".package-lock.json")),
    says: "Installing packages (npm ci) ...",
    run: () => npm("ci", "--include=dev", "--no-audit", "--no-fund"),
  },
  {
    due: () => newest("src", "tsconfig.json", "tsconfig.build.json") > modified(stamp),
    says: "Building (npm run build) ...",
    run: () => {
      const startedAt = Date.now();
      const status = npm("run", "--silent", "build");
      if (status === 0) writeFileSync(stamp, `${new Date(startedAt).toISOString()}\n`);
      return status;
    },
  },
];

const stamp = inRoot("dist", ".built");

/** Installs and builds when due. Returns an exit code. */
function prepare() {
  if (!steps.some((step) => step.due())) return 0;
  const unlock = lock();
  try {
    for (const step of steps) {
      if (!step.due()) continue; // Another process may have done it while this one waited.
      process.stderr.write(`${step.says}\n`);
      const status = step.run();
      if (status !== 0) return status;
    }
    return 0;
  } finally {
    unlock();
  }
}

/** One process at a time prepares: three nodes may be started at once on a fresh clone. */
function lock() {
  const path = inRoot("scripts", "dist", "prepare.lock");
  mkdirSync(inRoot("scripts", "dist"), { recursive: true });
  for (let waited = false; ; waited = true) {
    try {
      const file = openSync(path, "wx");
      writeFileSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!holderLives(path)) rmSync(path, { force: true });
    else if (!waited) process.stderr.write("Waiting for another process that prepares ...\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function holderLives(path) {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    // Empty for the moment between its creation and its first write.
    if (pid === 0) return Date.now() - modified(path) < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Milliseconds of the last change, 0 for a file that is not there. */
function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

/** The last change below the given paths of the checkout. */
function newest(...paths) {
  let latest = 0;
  for (const path of paths.map((each) => inRoot(each))) {
    if (!existsSync(path)) continue;
    latest = Math.max(latest, modified(path));
    if (!statSync(path).isDirectory()) continue;
    for (const name of readdirSync(path, { recursive: true })) {
      latest = Math.max(latest, modified(join(path, name)));
    }
  }
  return latest;
}

/** npm as it was started, else the one on the path. */
function npm(...args) {
  const { npm_execpath: script } = process.env;
  const own = script?.endsWith(".js") === true;
  const [program, first] = own ? [process.execPath, [script]] : ["npm", []];
  const windows = !own && process.platform === "win32"; // npm.cmd needs a shell.
  const { status, error } = spawnSync(program, [...first, ...args], {
    cwd: root,
    stdio: ["inherit", 2, 2], // Progress must not mix with what the command itself prints.
    shell: windows,
  });
  if (error !== undefined) return complain(`npm cannot be started: ${error.message}`);
  return status ?? 1;
}

const testTools = {
  "redis-server": "the comparison with Redis",
  "redis-cli": "redis-cli as a client",
  "redis-benchmark": "redis-benchmark as a client",
  strace: "crashes and disk errors at chosen system calls",
};

async function runTests(args) {
  const missing = Object.keys(testTools).filter(
    (tool) => spawnSync(tool, ["--version"], { stdio: "ignore" }).error !== undefined,
  );
  for (const tool of missing) {
    process.stderr.write(`${tool} is not installed: skipping ${testTools[tool]}\n`);
  }
  if (missing.length > 0 && process.env.CI !== undefined) {
    return complain(`CI must not skip tests: install ${missing.join(", ")}`);
  }
  const checked = npm("run", "--silent", "check");
  if (checked !== 0) return checked;
  const vitest = inRoot("node_modules", "vitest", "vitest.mjs");
  return await run(process.execPath, [vitest, "run", ...args]);
}

async function runTool(file, args) {
  const tsc = inRoot("node_modules", "typescript", "bin", "tsc");
  const compiled = await run(process.execPath, [tsc, "-p", inRoot("scripts", "tsconfig.json")]);
  if (compiled !== 0) return compiled;
  return await run(process.execPath, [inRoot("scripts", "dist", file), ...args]);
}

/** Runs in the foreground: same terminal, signals passed on, same exit code. */
function run(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "inherit" });
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) {
      // Ctrl-C in a terminal reaches the child by itself; twice would mean "at once".
      const ownWay = signal === "SIGINT" && process.stdin.isTTY;
      process.on(signal, () => ownWay || child.kill(signal));
    }
    child.once("error", (error) => resolve(complain(error.message)));
    child.once("exit", (code, signal) => {
      if (signal === null) return resolve(code);
      process.removeAllListeners(signal);
      process.kill(process.pid, signal); // Ends this process the way the child ended.
    });
  });
}

function complain(line) {
  process.stderr.write(`${line}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
