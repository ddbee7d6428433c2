// Sender and receiver of snapshots, joined by a network that can be cut, over records in memory.

import { describe, expect, it } from "vitest";
import {
  snapshotChunksMax,
  snapshotFramesWaitingMax,
  snapshotKeepAliveMs,
  snapshotPatienceMs,
  snapshotRepeatMs,
  snapshotRestMaxMs,
  snapshotRestPerWork,
} from "../../../src/constants.ts";
import { createLogger } from "../../../src/logger.ts";
import type { SnapshotFrame, SnapshotReply } from "../../../src/node/snapshots/snapshot-frames.ts";
import { checkpointContext } from "../../../src/node/snapshots/snapshot-point.ts";
import { SnapshotReceiver } from "../../../src/node/snapshots/snapshot-receiver.ts";
import { SnapshotSender } from "../../../src/node/snapshots/snapshot-sender.ts";
import type { InstallSnapshot, SnapshotPoint } from "../../../src/raft/core/types.ts";
import { asNode, asTerm } from "../../../src/raft/core/types.ts";
import type { OnStep } from "../../../src/state/checkpoint/load.ts";
import {
  type CheckpointMeta,
  checkpointFormat,
  encodeMeta,
} from "../../../src/state/checkpoint/meta.ts";
import type { CheckpointView, StagedCheckpoint } from "../../../src/state/checkpoint/transfer.ts";
import type { Machine } from "../../../src/state/execution/machine.ts";
import { firstSettings } from "../../../src/state/execution/settings.ts";

const leader = asNode(1);
const member = asNode(2);
const chunksOfCheckpoint = 20;

function metaAt(appliedIndex: number): CheckpointMeta {
  const membership = { members: [], nextId: asNode(3) };
  return {
    ...checkpointContext(4, { index: 1, membership }),
    ...{ format: checkpointFormat, appliedIndex, logTimeMs: 0, digest: 0, trace: 0 },
    ...{ nextId: 1, nextPartition: 1, nextObject: 1 },
    ...{ keys: chunksOfCheckpoint, origins: 0, parts: 0, partitions: 0 },
    settings: firstSettings,
    databases: [{ id: 0, trace: 0 }],
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
  readonly #load: (onStep: OnStep) => Promise<void>;

  constructor(load: (onStep: OnStep) => Promise<void>) {
    this.#load = load;
  }

  get lastKey(): Buffer {
    return Buffer.from(this.got.slice(-1));
  }
  append(chunk: Buffer): Promise<string | null> {
    this.got.push(chunk[0] as number);
    return Promise.resolve(this.problem);
  }
  async finish(_machine: Machine, onStep: OnStep): Promise<string | null> {
    await this.#load(onStep);
    return null;
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

/** The sender of one life of a leader, whose frames reach nobody. */
function lifeOf(incarnation: number) {
  const frames: SnapshotFrame[] = [];
  const sender = new SnapshotSender({
    view: () => Promise.resolve(new View(100)),
    send: (_to, frame) => frames.push(frame) > 0,
    leads: () => asTerm(4),
    incarnation,
    failed: () => undefined,
    broken: (error) => {
      throw error;
    },
    nowMs: () => 0,
    logger: createLogger("silent"),
  });
  return { frames, sender };
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
  /** These answers of the member get lost, counted from 0; the connection stays. */
  isLost: (answer: number) => boolean = () => false;
  answers = 0;
  /** How long a chunk is on its way there and back. */
  chunkMs = 0;
  /** How the member loads the records. */
  load: (onStep: OnStep) => Promise<void> = () => Promise.resolve();
  appliedIndex = 0;
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
    incarnation: 1,
    failed: (to) => this.failures.push(to),
    broken: (error) => {
      throw error;
    },
    nowMs: () => this.nowMs,
    logger: createLogger("silent"),
  });

  readonly receiver = new SnapshotReceiver({
    nodeId: member,
    appliedIndex: () => this.appliedIndex,
    installing: () => this.installing,
    send: (_to, reply) => this.#toLeader(reply),
    stage: () => {
      const staged = new Staged((onStep) => this.load(onStep));
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
    if (this.isCut || this.isLost(this.answers++)) return;
    if (reply.type === "ack") {
      this.#unacknowledged--;
      this.nowMs += this.chunkMs;
    }
    queueMicrotask(() => this.sender.answered(member, reply));
  }

  /** Consensus has installed what it was handed. */
  install(): void {
    this.appliedIndex = this.installing?.index ?? 0;
    this.installing = null;
    this.receiver.installed();
  }

  /** Of both nodes, after so many milliseconds. */
  async tick(ms: number): Promise<void> {
    this.nowMs += ms;
    this.sender.tick();
    this.receiver.tick();
    await settle();
  }

  get chunks(): number {
    return this.frames.filter(({ type }) => type === "chunk").length;
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

  it("whose frames come faster than the disk takes them loses those that are too many", async () => {
    const pair = new Pair();
    const meta = encodeMeta(metaAt(100));
    pair.receiver.frame(leader, { type: "offer", attempt: 1, meta });
    for (let number = 1; number <= 10 * snapshotFramesWaitingMax; number++) {
      const records = Buffer.from([number]);
      pair.receiver.frame(leader, { type: "chunk", attempt: 1, number, records });
    }
    await settle();
    expect(pair.staged[0]?.got).toHaveLength(snapshotFramesWaitingMax - 1);
    pair.receiver.frame(leader, { type: "offer", attempt: 2, meta });
    await settle();
    expect(pair.staged).toHaveLength(1); // It goes on where it was.
  });

  it("is not ended by an answer to the leader's former life", async () => {
    const [former, present] = [lifeOf(1), lifeOf(2)];
    former.sender.begin(member);
    present.sender.begin(member);
    await settle();
    for (const { attempt } of former.frames) {
      present.sender.answered(member, { type: "take", attempt, after: Buffer.of(7) });
      present.sender.answered(member, { type: "done", attempt });
    }
    await settle();
    expect(present.sender.percent(member)).toBe(0);
    expect(present.frames.map(({ type }) => type)).toEqual(["offer"]);
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

describe("a snapshot gives way to everything else:", () => {
  it("the sender rests after each burst for a multiple of the time that it took", async () => {
    const pair = new Pair();
    pair.chunkMs = 5;
    pair.sender.begin(member);
    await settle();
    expect(pair.chunks).toBe(snapshotChunksMax);
    const restMs = snapshotRestPerWork * snapshotChunksMax * pair.chunkMs;
    await pair.tick(restMs - 1);
    expect(pair.chunks).toBe(snapshotChunksMax);
    await pair.tick(1);
    expect(pair.chunks).toBe(2 * snapshotChunksMax);
  });

  it("but no longer than a named time, where a chunk is on its way for long", async () => {
    const pair = new Pair();
    pair.chunkMs = 1_000;
    pair.sender.begin(member);
    await settle();
    await pair.tick(snapshotRestMaxMs - 1);
    expect(pair.chunks).toBe(snapshotChunksMax);
    await pair.tick(1);
    expect(pair.chunks).toBe(2 * snapshotChunksMax);
  });

  it("nothing is read for a member that is not connected", async () => {
    const pair = new Pair();
    pair.framesLeft = 3;
    pair.sender.begin(member);
    await settle();
    const before = pair.views[0]?.reads;
    for (let tick = 0; tick < 100; tick++) await pair.tick(10);
    expect(pair.views[0]?.reads).toBe(before);
  });

  it("the receiver rests between bursts of loading, and says that it is at work", async () => {
    const pair = new Pair();
    let steps = 0;
    pair.load = async (onStep) => {
      for (; steps < 100; steps++) {
        pair.nowMs += 5;
        await onStep();
      }
    };
    pair.sender.begin(member);
    await settle();
    expect(steps).toBe(1);
    await pair.tick(19);
    expect(steps).toBe(1);
    await pair.tick(1);
    expect(steps).toBe(3);
    const { answers } = pair;
    await pair.tick(snapshotKeepAliveMs);
    expect(pair.answers).toBe(answers + 1);
  });

  it("a receiver that is closed while it rests does not wait for a tick", async () => {
    const pair = new Pair();
    pair.load = async (onStep) => {
      for (let step = 0; step < 100; step++) {
        pair.nowMs += 50;
        await onStep();
      }
    };
    pair.sender.begin(member);
    await settle();
    await pair.receiver.close();
    expect(pair.staged.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.stepped, "consensus is handed nothing that is put away").toEqual([]);
  });
});

describe("a lost answer", () => {
  it("holds a snapshot up for a named short time only, whichever it is", async () => {
    for (let lost = 0; lost <= chunksOfCheckpoint + 1; lost++) {
      const pair = new Pair();
      pair.isLost = (answer) => answer === lost;
      pair.sender.begin(member);
      await settle();
      if (pair.installing !== null) pair.install();
      await settle();
      // Within a burst the next acknowledgement makes up for it.
      const isMissed = lost % snapshotChunksMax === 0 || lost > chunksOfCheckpoint;
      expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([isMissed]);
      await pair.tick(snapshotRepeatMs - 1);
      expect(pair.frames.filter(({ type }) => type === "offer")).toHaveLength(1);
      await pair.tick(1);
      expect(pair.frames.filter(({ type }) => type === "offer")).toHaveLength(isMissed ? 2 : 1);
      if (pair.installing !== null) pair.install();
      await settle();
      expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
      expect(pair.staged.map(({ got }) => got)).toEqual([everything]);
      expect(pair.stepped).toHaveLength(1);
      expect(pair.failures).toEqual([member]);
    }
  });

  it("to an offer: the repeated one does not begin from the start", async () => {
    const pair = new Pair();
    // The acknowledgement of the last chunk of a burst.
    pair.isLost = (answer) => answer === snapshotChunksMax;
    pair.sender.begin(member);
    await settle();
    expect(pair.chunks).toBe(snapshotChunksMax);
    await pair.tick(snapshotRepeatMs);
    expect(pair.chunks).toBe(chunksOfCheckpoint);
  });

  it("is no reason to give up a receiver that loads for long", async () => {
    const pair = new Pair();
    let loaded: () => void = () => {};
    pair.load = () => new Promise((resolve) => (loaded = resolve));
    pair.sender.begin(member);
    await settle();
    const { answers } = pair;
    pair.isLost = (answer) => answer < answers + snapshotRepeatMs / snapshotKeepAliveMs;
    // The offer is made again, and waits behind the loading.
    for (let waited = 0; waited < 2 * snapshotPatienceMs; waited += snapshotKeepAliveMs)
      await pair.tick(snapshotKeepAliveMs);
    expect(pair.frames.filter(({ type }) => type === "offer")).toHaveLength(2);
    loaded();
    await settle();
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([true]);
    pair.install();
    await settle();
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.staged).toHaveLength(1);
    expect(pair.failures).toEqual([member]);
  });

  it("is not missed while consensus installs: the receiver says that it is at work", async () => {
    const pair = new Pair();
    pair.sender.begin(member);
    await settle();
    for (let waited = 0; waited < 2 * snapshotPatienceMs; waited += snapshotKeepAliveMs)
      await pair.tick(snapshotKeepAliveMs);
    expect(pair.frames.filter(({ type }) => type === "offer")).toHaveLength(1);
    pair.reconnect(); // It offers again.
    await settle();
    expect(pair.failures).toEqual([]);
    pair.install();
    await settle();
    expect(pair.failures).toEqual([member]);
    expect(pair.staged).toHaveLength(1);
  });

  it("is made up for by a receiver that has the state: nothing is staged", async () => {
    const pair = new Pair();
    pair.appliedIndex = 100;
    pair.sender.begin(member);
    await settle();
    expect(pair.staged).toEqual([]);
    expect(pair.views.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(pair.failures).toEqual([member]);
  });
});
