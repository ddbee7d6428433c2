// Bugs of a whole node: the way of a write, reads, the state and its checkpoints, the files of the log.

import type { Mutant } from "./mutant.ts";

const writes: readonly Omit<Mutant, "run">[] = [
  {
    name: "a leader that misses a batch is sent what comes behind it",
    why: "RedisRaft #14: what was under way at a failover is lost",
    file: "src/node/replica/pending-writes.ts",
    find: "if (firstNumber + count > number) return;",
    replace: "if (firstNumber > number) return;",
  },
  {
    name: "a new leader is not sent what the old one may have lost",
    why: "RedisRaft #14; the write hangs until its client gives up",
    file: "src/node/replica/leader-path.ts",
    find: "  #sendAgain(): void {\n    this.#options.writes.sendAgain();\n",
    replace: "  #sendAgain(): void {\n",
  },
  {
    name: "a write that is sent again is applied again",
    why: "exactly once per (origin, incarnation, number)",
    file: "src/state/execution/origins.ts",
    find: "    const next = Math.min(end, life.highest + 1);\n",
    replace: "    const next = first;\n",
  },
  {
    name: "nobody tells of writes that a snapshot has passed",
    why: "RedisRaft #27: a missing reply shifts all later ones",
    file: "src/node/replica/replica.ts",
    find: "      writes.passed(this.machine.origins.highest(nodeId, incarnation));\n",
    replace: "",
  },
  {
    name: "a write that may still be committed is refused for certain",
    why: "RedisRaft #23: NOLEADER although it was committed later",
    file: "src/node/replica/pending-writes.ts",
    find: "(batch.counts[at] as number) - answered, errors.unknownOutcome);",
    replace: "(batch.counts[at] as number) - answered, errors.clusterDown);",
  },
];

const reads: readonly Omit<Mutant, "run">[] = [
  {
    name: "a read runs before this node has applied enough",
    why: "thesis 6.4 step 4; RedisRaft #18: an empty list after a restart",
    file: "src/node/replica/read-runner.ts",
    find: "    if (!this.#mayRun(next.outcome)) return false;\n",
    replace: "",
  },
  {
    name: "a read runs in the middle of an entry",
    why: "node/replica/applier.ts: while an entry is half done nobody else reads the state",
    file: "src/node/replica/replica.ts",
    find: "!this.machine.isApplying && reads.run()",
    replace: "reads.run()",
  },
  {
    name: "keys expire by each node's own clock",
    why: "RedisRaft docs/Using.md, note 1: volatile keys may violate consistency",
    file: "src/node/replica/replica.ts",
    find: "  committed(entries: readonly Entry[]): void {\n",
    replace:
      "  committed(entries: readonly Entry[]): void {\n    this.machine.keyspace.advance(this.#options.nowMs());\n",
  },
  {
    name: "log time falls with a leader whose clock is behind",
    why: "expiry is a function of the log, and time in it never runs back",
    file: "src/state/keyspace/keyspace.ts",
    find: "    if (timeMs > this.logTimeMs) this.logTimeMs = timeMs;\n",
    replace: "    if (timeMs > 0) this.logTimeMs = timeMs;\n",
  },
];

const checkpoints: readonly Omit<Mutant, "run">[] = [
  {
    name: "a checkpoint forgets which writes are applied",
    why: "session state must be part of the snapshot (thesis 6.3)",
    file: "src/state/checkpoint/checkpoint.ts",
    find: "    this.#origins = machine.origins.list();\n",
    replace: "    this.#origins = [];\n",
  },
  {
    name: "an installed snapshot forgets which writes are applied",
    why: "the same, on the way from node to node",
    file: "src/state/execution/machine.ts",
    find: "    this.origins.restore(other.origins.list());\n",
    replace: "",
  },
  {
    name: "the applied index of a checkpoint is that of its end",
    why: "etcd 3.5: applied index and effects must be saved together",
    file: "src/state/checkpoint/checkpoint.ts",
    find: "      appliedIndex: machine.appliedIndex,\n",
    replace: "      get appliedIndex(): number {\n        return machine.appliedIndex;\n      },\n",
  },
  {
    name: "a checkpoint misses what changes while it is written",
    why: "the records are those of one applied index",
    file: "src/state/checkpoint/checkpoint.ts",
    find: "    this.#dirty[word] = bits & ~bit;\n    this.#put(position);\n",
    replace: "    this.#dirty[word] = bits & ~bit;\n",
  },
  {
    name: "a checkpoint ends before its last slice",
    why: "the difference to the last checkpoint is whole, or it is none",
    file: "src/state/checkpoint/checkpoint.ts",
    find: "    for (; this.#gone < this.#before; this.#gone++) {\n",
    replace: "    for (; this.#gone < 0; this.#gone++) {\n",
  },
  {
    name: "expiries are lost at a restart",
    why: "the heap is a function of the expiries that are there",
    file: "src/state/keyspace/partition.ts",
    find: "    if (at !== undefined) this.table.setExpiry(this.table.find(key, hash), at);\n",
    replace: "",
  },
];

const files: readonly Omit<Mutant, "run">[] = [
  {
    name: "the log is cut above the checkpoint",
    why: "RedisRaft #43: firstIndex <= snapshot index + 1",
    file: "src/raft/storage/segment-log.ts",
    find: "      if (first > index || this.#failed) break;\n",
    replace: "      if (this.#failed) break;\n",
  },
  {
    name: "a save is complete before it is written",
    why: "reply before sync",
    file: "src/raft/storage/segment-log.ts",
    find: "      this.#settled();\n      this.#whenBegun(done);\n    });\n",
    replace: "      this.#settled();\n    });\n    queueMicrotask(() => this.#whenBegun(done));\n",
  },
  {
    name: "the last save is believed although it may be in memory only",
    why: "fsyncgate: a page whose write failed counts as clean",
    file: "src/raft/storage/segment-files.ts",
    find: "  if (scan.lastSaveAt !== null) await rewrite(files, newest, scan.lastSaveAt);\n",
    replace: "",
  },
  {
    name: "damage in the last save counts as a torn write",
    why: "docs/guarantees.md: flipped bits are refused",
    file: "src/raft/storage/torn-save.ts",
    find: "return blank > head.blankSectors ?",
    replace: "return blank >= 0 ?",
  },
  {
    name: "a new segment is used before its name is on disk",
    why: "a file without a synced directory is lost with the power",
    file: "src/disk.ts",
    find: "    await files.syncDirectory(dirname(path));\n",
    replace: "",
  },
  {
    name: "a new segment forgets the vote",
    why: "§5.1: the oldest segment tells the hard state",
    file: "src/raft/storage/segment-files.ts",
    find: "    hardState: state.hardState,\n",
    replace: "    hardState: { ...state.hardState, votedFor: null },\n",
  },
  {
    name: "writes are refused while a majority has space",
    why: "docs/guarantees.md: -DISKFULL only when no majority could store a write",
    file: "src/node/resources/room-watch.ts",
    find: "withRoom <= voters.length / 2",
    replace: "withRoom < voters.length",
  },
];

const leases: readonly Omit<Mutant, "run">[] = [
  {
    name: "a lease is counted from its confirmation",
    why: "thesis 6.4.1: it begins when the heartbeats were sent",
    file: "src/node/replica/read-barrier.ts",
    find: "confirmed.askedMs + leaseMs",
    replace: "(this.#options.lease?.monotonicMs() ?? 0) + leaseMs",
  },
  {
    name: "followers promise patience and have none",
    why: "thesis 6.4.1: a lease without the voters' help",
    file: "src/raft/core/state.ts",
    find: "    if (this.quietTicks > 0) return true;\n",
    replace: "",
  },
  {
    name: "a promise of patience is forgotten at a restart",
    why: "thesis 6.4.1: what was promised before the start is not known",
    file: "src/raft/core/state.ts",
    find: "    this.promisePatience();\n  }\n",
    replace: "  }\n",
  },
  {
    name: "a leader leans on its lease after it has handed over",
    why: "thesis 6.4.1 with 3.10: the heir does not wait",
    file: "src/node/replica/read-barrier.ts",
    find: "driver.isLeader && !driver.core.hasHandedOver ?",
    replace: "driver.isLeader ?",
  },
  {
    name: "a lease outlives its leadership",
    why: "thesis 6.4.1: another leader may have committed more",
    file: "src/node/replica/read-barrier.ts",
    find: "  askAgain(): void {\n    this.#leaseUntilMs = 0;\n",
    replace: "  askAgain(): void {\n",
  },
];

const time: readonly Omit<Mutant, "run">[] = [
  {
    name: "entries are stamped with the leader's own clock",
    why: "docs/guarantees.md: one member with a wrong clock neither freezes nor hastens expiry",
    file: "src/node/time/node-time.ts",
    find: "    return this.#logClock.stamp();\n",
    replace: "    return Math.floor(this.#options.wallMs());\n",
  },
  {
    name: "log time begins anew after a restart, from the later one of two clocks",
    why: "ARCHITECTURE.md: log time steps only over what a majority says has passed",
    file: "src/node/time/log-clock.ts",
    find: "    if (says === null) return;\n    this.#isSettled = true;\n",
    replace:
      "    if (says === null) return;\n    if (!this.#isSettled) this.#timeMs = says.atMost;\n    this.#isSettled = true;\n",
  },
  {
    name: "time that nobody has counted is never made up for",
    why: "docs/guarantees.md: after a full stop log time steps forward at once",
    file: "src/node/time/log-clock.ts",
    find: "  if (timeMs < atLeast - clockDriftMs) return atLeast;\n",
    replace: "",
  },
  {
    name: "the last clock that was heard counts for those that were not",
    why: "node/time/clocks.ts: voters that were not heard support no statement",
    file: "src/node/time/clocks.ts",
    find: "values.map((value) => value ?? Number.NEGATIVE_INFINITY)",
    replace: "values.map((value) => value ?? Math.max(...heard))",
  },
];

const inClusters = [...writes, ...reads, ...time, ...checkpoints, ...files];

export const nodeMutants: readonly Mutant[] = [
  ...inClusters.map((mutant) => ({ ...mutant, run: "cluster" as const })),
  ...leases.map((mutant) => ({ ...mutant, run: "leases" as const })),
];
