// Writes of the log that fail or take their time, and a disk that is full.

import { brokenDiskCode, type ChaosNode } from "../cluster/node.ts";
import { question } from "../cluster/status.ts";
import { injectAtLogWrites } from "../machine/tracer.ts";
import type { Fault } from "./fault.ts";
import { repeatedly } from "./repeat.ts";
import { aFollower, everyNode, type Target, theLeader } from "./targets.ts";

/** Calls are counted per thread, and libuv has four of them for files. */
const writesBeforeError: readonly [low: number, high: number] = [1, 30];

const writeError = (
  name: string,
  error: "EIO" | "ENOSPC",
  whom: string,
  target: Target,
): Fault => ({
  name,
  family: "disk",
  summary: `a write of the log of ${whom} fails with ${error}: the process ends with code ${brokenDiskCode}`,
  needs: ["tracing"],
  async start(scene) {
    const victims = await target(scene);
    const at = scene.random.between(...writesBeforeError);
    const detach = await Promise.all(
      victims.map((node) => {
        node.mayEnd(brokenDiskCode);
        return injectAtLogWrites(node.pid, `error=${error}:when=${at}`);
      }),
    );
    return {
      victims,
      async heal() {
        await Promise.all(detach.map((each) => each()));
        for (const node of victims) await startAgain(node);
      },
    };
  },
});

const slowDisk = (name: string, delayMs: number, whom: string, target: Target): Fault => ({
  name,
  family: "disk",
  summary: `every write of the log of ${whom} takes ${delayMs} ms longer`,
  needs: ["tracing"],
  async start(scene) {
    const slow = await target(scene);
    const detach = await Promise.all(
      slow.map((node) => injectAtLogWrites(node.pid, `delay_enter=${delayMs * 1_000}`)),
    );
    // Nobody has failed: no client may see an error.
    return {
      victims: [],
      heal: async () => void (await Promise.all(detach.map((each) => each()))),
    };
  },
});

/** Of this size, so that the log must soon grow. */
const padding = "x".repeat(32 * 1024);

const fullDisk: Fault = {
  name: "full-disk-leader",
  family: "disk",
  summary: "the leader's file system is full, and has room again later",
  needs: ["disks"],
  async start(scene) {
    const victims = await theLeader(scene);
    for (const node of victims) {
      node.mayEnd(brokenDiskCode);
      await node.place.disk?.fill();
    }
    const end = repeatedly(async (isOver) => {
      const [through] = scene.cluster.living;
      if (through === undefined || isOver()) return;
      // May fail with the node it goes through.
      await question(through.address, ["SET", "padding", padding]).catch(() => undefined);
    });
    return {
      victims,
      async heal() {
        await end();
        for (const node of victims) {
          node.place.disk?.free();
          await startAgain(node);
        }
      },
    };
  },
};

const hungDisk: Fault = {
  name: "hung-disk",
  family: "disk",
  summary: "writes of the leader's file system neither complete nor fail",
  needs: ["freezing"],
  async start(scene) {
    const victims = await theLeader(scene);
    for (const node of victims) await node.place.disk?.freeze();
    return {
      victims,
      async heal() {
        for (const node of victims) await node.place.disk?.thaw();
      },
    };
  },
};

/** The process may have ended by itself, or may not have met the fault. */
async function startAgain(node: ChaosNode): Promise<void> {
  await node.kill();
  node.start();
}

export const diskFaults: readonly Fault[] = [
  writeError("eio-follower", "EIO", "a follower", aFollower),
  writeError("eio-leader", "EIO", "the leader", theLeader),
  writeError("enospc-leader", "ENOSPC", "the leader", theLeader),
  slowDisk("slow-disk-follower", 100, "a follower", aFollower),
  slowDisk("slow-disk-leader", 100, "the leader", theLeader),
  slowDisk("slow-disk-all", 50, "all nodes", everyNode),
  slowDisk("stalled-disk-leader", 5_000, "the leader", theLeader),
  fullDisk,
  hungDisk,
];
