// The words about clocks between nodes: when they are sent, when answered, and which are dropped.

import { describe, expect, it } from "vitest";
import { clockWordMs } from "../../../src/constants.ts";
import { createLogger } from "../../../src/logger.ts";
import { frameKind } from "../../../src/node/frames.ts";
import { NodeTime, type NodeTimeOptions } from "../../../src/node/time/node-time.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { Machine } from "../../../src/state/execution/machine.ts";

const epochMs = 1_700_000_000_000;
const [one, two, three] = [asNode(1), asNode(2), asNode(3)];

/** Node 1 of three, which follows. */
class Scene {
  passedMs = 0;
  wallOffsetMs = 0;
  readonly sent: { to: number; kind: number; asks: number }[] = [];
  readonly time: NodeTime;

  constructor() {
    const members = [one, two, three].map((id) => ({ id, voter: true, address: "" }));
    this.time = new NodeTime({
      driver: {
        core: { id: one, membership: { members, nextId: asNode(4) } },
        isLeader: false,
      } as unknown as NodeTimeOptions["driver"],
      peers: {
        send: (to, kind, [body]) => {
          this.sent.push({ to, kind, asks: body?.[0] ?? -1 });
          return true;
        },
      },
      machine: new Machine({ commands }),
      wallMs: () => epochMs + this.passedMs + this.wallOffsetMs,
      monotonicMs: () => this.passedMs,
      mayLead: () => true,
      logger: createLogger("silent"),
    });
  }

  /** What was sent since the last call. */
  took(): readonly { to: number; asks: number }[] {
    const sent = this.sent.splice(0);
    expect(sent.every(({ kind }) => kind === frameKind.clock)).toBe(true);
    return sent.map(({ to, asks }) => ({ to, asks }));
  }
}

function word(asks: number, wallMs: number): Buffer {
  const body = Buffer.alloc(9);
  body.writeUInt8(asks, 0);
  body.writeBigUInt64LE(BigInt(wallMs), 1);
  return body;
}

describe("words about clocks", () => {
  it("go to everybody twice a second, and ask for an answer until a majority was heard", () => {
    const scene = new Scene();
    scene.time.tick();
    scene.time.tick();
    expect(scene.took()).toEqual([
      { to: 2, asks: 1 },
      { to: 3, asks: 1 },
    ]);
    scene.time.heard(two, word(0, epochMs));
    scene.passedMs += clockWordMs;
    scene.time.tick();
    expect(scene.took()).toEqual([
      { to: 2, asks: 0 },
      { to: 3, asks: 0 },
    ]);
  });

  it("go to whoever has just been connected, and are answered when they ask", () => {
    const scene = new Scene();
    scene.time.connected(three);
    scene.time.heard(two, word(1, epochMs));
    scene.time.heard(two, word(0, epochMs));
    expect(scene.took()).toEqual([
      { to: 3, asks: 1 },
      { to: 2, asks: 0 },
    ]);
  });

  it("are asked for anew when this node's machine may have been suspended", () => {
    const scene = new Scene();
    scene.time.heard(two, word(0, epochMs));
    expect(scene.time.stamp()).toBe(epochMs);
    scene.wallOffsetMs = 600_000;
    expect(scene.time.stamp()).toBeNull();
    expect(scene.took()).toEqual([
      { to: 2, asks: 1 },
      { to: 3, asks: 1 },
    ]);
    scene.time.heard(two, word(0, epochMs + 600_000));
    expect(scene.time.stamp()).toBe(epochMs + 600_000);
  });

  it("are dropped when they are none", () => {
    const scene = new Scene();
    for (const body of [Buffer.alloc(0), Buffer.alloc(10), Buffer.alloc(9, 0xff)]) {
      scene.time.heard(two, body);
    }
    expect(scene.time.clockOffsetMs(two)).toBeNull();
    expect(scene.took()).toEqual([]);
  });
});
