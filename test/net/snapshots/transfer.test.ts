// Sender and receiver of snapshots, joined by a network that can be cut, over records in memory.

import { describe, expect, it } from "vitest";
import { snapshotChunksMax, snapshotPatienceMs } from "../../../src/constants.ts";
import { createLogger } from "../../../src/net/logger.ts";
import type { SnapshotFrame, SnapshotReply } from "../../../src/net/snapshots/snapshot-frames.ts";
import { checkpointContext } from "../../../src/net/snapshots/snapshot-point.ts";
import { SnapshotReceiver } from "../../../src/net/snapshots/snapshot-receiver.ts";
import { SnapshotSender } from "../../../src/net/snapshots/snapshot-sender.ts";
import type { InstallSnapshot, SnapshotPoint } from "../../../src/raft/core/types.ts";
import { asNode, asTerm } from "../../../src/raft/core/types.ts";
import {
  type CheckpointMeta,
  checkpointFormat,
  encodeMeta,
} from "../../../src/state/checkpoint-meta.ts";
import type { CheckpointView, StagedCheckpoint } from "../../../src/state/checkpoint-transfer.ts";
import type { Machine } from "../../../src/state/machine.ts";

const leader = asNode(1);
const member = asNode(2);
const chunksOfCheckpoint = 20;

function metaAt(appliedIndex: number): CheckpointMeta {
  const membership = { members: [], nextId: asNode(3) };
  return {
    ...checkpointContext(4, { index: 1, membership }),
    ...{ format: checkpointFormat, appliedIndex, logTimeMs: 0, origins: [], nextId: 1, trace: 0 },
    databases: [{ id: 0, keys: chunksOfCheckpoint, expires: 0, digest: 0, trace: 0 }],
  };
}

/** One record a chunk: the key is its number in one byte. */
class View implements CheckpointView {
  readonly meta: CheckpointMeta;
  readonly metaBytes: Buffer;
  readonly bytes = chunksOfCheckpoint;
  isOpen = true;
  reads = 0;

  constructor(appliedIndex: number) {
    this.meta = metaAt(appliedIndex);
    this.metaBytes = encodeMeta(this.meta);
  }

  read(after: Buffer | null) {
    this.reads++;
    const number = (after?.[0] ?? 0) + 1;
    if (number > chunksOfCheckpoint) return Promise.resolve(null);
    const key = Buffer.from([number]);
    return Promise.resolve({ chunk: key, last: key, records: 1 });
  }

  close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }
}

class Staged {
  readonly got: number[] = [];
  problem: string | null = null;
  isOpen = true;

  get lastKey(): Buffer {
    return Buffer.from(this.got.slice(-1));
  }
  append(chunk: Buffer): Promise<string | null> {
    this.got.push(chunk[0] as number);
    return Promise.resolve(this.problem);
  }
  finish(): Promise<string | null> {
    return Promise.resolve(null);
  }
  close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }
}

/** Lets everything that waits for nothing but promises come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
}

class Pair {
  nowMs = 0;
  isCut = false;
  leads = true;
  isNeeded = true;
  installing: SnapshotPoint | null = null;
  readonly views: View[] = [];
  readonly staged: Staged[] = [];
  readonly stepped: InstallSnapshot[] = [];
  readonly failures: number[] = [];
  readonly frames: SnapshotFrame[] = [];
  /** Frames of the leader that are still let through; then the connection is cut. */
  framesLeft = Number.POSITIVE_INFINITY;
  unacknowledgedMax = 0;
  nextIndex = 100;
  #unacknowledged = 0;

  readonly sender = new SnapshotSender({
    view: () => {
      const view = new View(this.nextIndex);
      this.views.push(view);
      return Promise.resolve(view);
    },
    send: (_to, frame) => this.#toMember(frame),
    leads: () => (this.leads ? asTerm(4) : null),
    failed: (to) => this.failures.push(to),
    broken: (error) => {
      throw error;
    },
    nowMs: () => this.nowMs,
    logger: createLogger("silent"),
  });

  readonly receiver = new SnapshotReceiver({
    nodeId: member,
    installing: () => this.installing,
    send: (_to, reply) => this.#toLeader(reply),
    stage: () => {
      const staged = new Staged();
      this.staged.push(staged);
      return Promise.resolve(staged as unknown as StagedCheckpoint);
    },
    createMachine: () => ({}) as Machine,
    step: (message) => {
      this.stepped.push(message);
      if (this.isNeeded) this.installing = message.point;
    },
    broken: (error) => {
      throw error;
    },
    nowMs: () => this.nowMs,
    logger: createLogger("silent"),
  });

  #toMember(frame: SnapshotFrame): boolean {
    if (this.framesLeft-- <= 0) this.isCut = true;
    if (this.isCut) return false;
    this.frames.push(frame);
    if (frame.type === "offer") this.#unacknowledged = 0;
    if (frame.type === "chunk") this.#unacknowledged++;
    this.unacknowledgedMax = Math.max(this.unacknowledgedMax, this.#unacknowledged);
    queueMicrotask(() => this.receiver.frame(leader, frame));
    return true;
  }

  #toLeader(reply: SnapshotReply): void {
    if (this.isCut) return;
    if (reply.type === "ack") this.#unacknowledged--;
    queueMicrotask(() => this.sender.answered(member, reply));
  }

  /** Consensus has installed what it was handed. */
  install(): void {
    this.installing = null;
    this.receiver.installed();
  }

  reconnect(): void {
    this.isCut = false;
    this.framesLeft = Number.POSITIVE_INFINITY;
    this.sender.connected(member);
  }
}

const everything = Array.from({ length: chunksOfCheckpoint }, (_, at) => at + 1);

describe("a snapshot", () => {
  it("arrives whole and in order, with few chunks on their way, and consensus is told once", async () => {
    const pair = new Pair();
    pair.sender.begin(member);
    pair.sender.begin(member);
    await settle();
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([true]);
    pair.install();
    await settle();
    expect(pair.staged.map(({ got }) => got)).toEqual([everything]);
    expect(pair.unacknowledgedMax).toBe(snapshotChunksMax);
    expect(pair.stepped).toMatchObject([
      {
        type: "installSnapshot",
        from: leader,
        to: member,
        term: 4,
        point: { index: 100, term: 4 },
      },
    ]);
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.sender.percent(member)).toBeNull();
    expect(pair.receiver.take(pair.stepped[0]?.point as never).point.index).toBe(100);
  });

  it("keeps the log behind its checkpoint, as long as it is on its way", async () => {
    const pair = new Pair();
    expect(pair.sender.oldestIndex).toBe(Number.POSITIVE_INFINITY);
    pair.framesLeft = 5;
    pair.sender.begin(member);
    await settle();
    expect(pair.sender.oldestIndex).toBe(100);
    expect(pair.sender.percent(member)).toBe(20);
    pair.reconnect();
    await settle();
    expect(pair.sender.oldestIndex).toBe(100);
    pair.install();
    await settle();
    expect(pair.sender.oldestIndex).toBe(Number.POSITIVE_INFINITY);
  });

  it("goes on after every possible break of the connection where the receiver is", async () => {
    for (let frames = 0; frames <= chunksOfCheckpoint + 2; frames++) {
      const pair = new Pair();
      pair.isNeeded = false;
      pair.framesLeft = frames;
      pair.sender.begin(member);
      await settle();
      pair.reconnect();
      await settle();
      for (const { got } of pair.staged) expect(got).toEqual(everything);
      expect(pair.stepped.length).toBeGreaterThan(0);
      expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
    }
  });

  it("is given up when nothing is heard for a named time, and consensus asks again", async () => {
    const pair = new Pair();
    pair.framesLeft = 3;
    pair.sender.begin(member);
    await settle();
    pair.nowMs += snapshotPatienceMs - 1;
    pair.sender.tick();
    expect(pair.failures).toEqual([]);
    pair.nowMs += 1;
    pair.sender.tick();
    expect(pair.failures).toEqual([member]);
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
    pair.nextIndex = 200;
    pair.reconnect();
    pair.sender.begin(member);
    await settle();
    expect(pair.stepped.map(({ point }) => point.index)).toEqual([200]);
    expect(pair.staged.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  });

  it("ends when the sender leads no more, and leaves nothing staged", async () => {
    const pair = new Pair();
    pair.framesLeft = 4;
    pair.sender.begin(member);
    await settle();
    pair.isCut = false;
    pair.framesLeft = 10;
    pair.leads = false;
    pair.sender.leaderChanged();
    await settle();
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.staged.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.stepped).toEqual([]);
  });

  it("with a chunk that says nonsense is refused in words and begun anew", async () => {
    const pair = new Pair();
    pair.framesLeft = 4;
    pair.sender.begin(member);
    await settle();
    const [staged] = pair.staged;
    if (staged !== undefined) staged.problem = "a record is out of order";
    pair.reconnect();
    await settle();
    expect(pair.failures).toEqual([member]);
    expect(staged?.isOpen).toBe(false);
    expect(pair.stepped).toEqual([]);
  });

  it("with a chunk missing is refused", async () => {
    const pair = new Pair();
    const meta = encodeMeta(metaAt(100));
    pair.receiver.frame(leader, { type: "offer", attempt: 1, meta });
    pair.receiver.frame(leader, {
      type: "chunk",
      attempt: 1,
      number: 2,
      records: Buffer.from([2]),
    });
    pair.receiver.frame(leader, { type: "end", attempt: 1, term: 4 });
    await settle();
    expect(pair.staged.map(({ got, isOpen }) => ({ got, isOpen }))).toEqual([
      { got: [], isOpen: false },
    ]);
    expect(pair.stepped).toEqual([]);
  });

  it("of a meta record that cannot be read is refused", async () => {
    const pair = new Pair();
    const meta = encodeMeta(metaAt(100));
    meta[7] = (meta[7] as number) ^ 1;
    pair.receiver.frame(leader, { type: "offer", attempt: 1, meta });
    await settle();
    expect(pair.staged).toEqual([]);
  });

  it("that consensus does not need is thrown away", async () => {
    const pair = new Pair();
    pair.isNeeded = false;
    pair.sender.begin(member);
    await settle();
    expect(pair.stepped).toHaveLength(1);
    expect(pair.staged.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
  });

  it("is not thrown away for another one while consensus counts on it", async () => {
    const pair = new Pair();
    pair.sender.begin(member);
    await settle();
    const meta = encodeMeta(metaAt(300));
    pair.receiver.frame(asNode(3), { type: "offer", attempt: 1, meta });
    await settle();
    expect(pair.staged).toHaveLength(1);
    pair.receiver.take(pair.stepped[0]?.point as never);
    pair.installing = null;
    pair.receiver.frame(asNode(3), { type: "offer", attempt: 2, meta });
    await settle();
    expect(pair.staged).toHaveLength(2);
  });
});
