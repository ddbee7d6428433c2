// Bugs that no simulation is known to see: each is a hole, and belongs to the other lists as soon as one does.

import type { Mutant } from "./mutant.ts";

export const unseenMutants: readonly Mutant[] = [
  {
    name: "writes of a node's earlier life count for its present one",
    why: "an incarnation is one run of a process",
    file: "src/state/origins.ts",
    run: "cluster",
    find: "if (life !== undefined && incarnation < life.incarnation) return end;",
    replace: "if (life !== undefined && incarnation < 0) return end;",
  },
  {
    name: "a key is gone by the leader's clock before the log says so",
    why: "a later leader's clock may be behind: the key comes back",
    file: "src/state/keyspace.ts",
    run: "cluster",
    find: "    if (at <= this.nowMs) this.metDue = true;\n    return false;\n",
    replace: "    return at <= this.nowMs;\n",
  },
  {
    name: "the log restarts behind a snapshot before the state is there",
    why: "RedisRaft #43, #53: snapshot and log are switched in the wrong order",
    file: "src/node/snapshots/snapshots.ts",
    run: "cluster",
    find: "      await home.replace(ready.staged, point); //                            1. the switch, durable,\n      await new Promise<void>((done) => log.restart(restartPoint(point), done)); // 2. the log behind it,\n",
    replace:
      "      await new Promise<void>((done) => log.restart(restartPoint(point), done));\n      await home.replace(ready.staged, point);\n",
  },
  {
    name: "a snapshot is installed before its term is on disk",
    why: "a log may not begin in a newer term than the node knows",
    file: "src/raft/driver.ts",
    run: "cluster",
    find: "} else if (save.hardState === null) {",
    replace: "} else if (snapshot !== null) {",
  },
  {
    name: "a torn save stays in the file",
    why: "a tail that no frame owns must not be taken for damage, or for entries",
    file: "src/raft/storage/segment-files.ts",
    run: "cluster",
    find: "    await files.truncate(newest.fd, newest.end);\n",
    replace: "",
  },
  {
    name: "a follower commits its own tail",
    why: "§5.3: commit is min(leaderCommit, index of last new entry)",
    file: "src/raft/core/follower.ts",
    run: "core",
    find: "log.commitTo(asIndex(Math.min(message.commit, agreed)));",
    replace: "log.commitTo(asIndex(Math.min(message.commit, log.last.index)));",
  },
  {
    name: "a removed member gets votes",
    why: "thesis 4.2.3: it only disturbs, for who has a log as new as ours knows that it is removed",
    file: "src/raft/core/election.ts",
    run: "core",
    find: "  return !isUpToDate(state.log.last, message.last);\n",
    replace: "  return true;\n",
  },
  {
    name: "a save does not say how many of its sectors are blank",
    why: "no value of the simulation has whole sectors of zeros; test/raft/storage shows it",
    file: "src/raft/storage/torn-save.ts",
    run: "cluster",
    find: "return blank > header.blankSectors ?",
    replace: "return blank > 0 ?",
  },
  {
    name: "a leader takes forwarded writes behind a gap",
    why: "ARCHITECTURE.md: a gap in an origin's numbers is a broken invariant",
    file: "src/node/replica/ordering.ts",
    run: "cluster",
    find: "    if (next === null || firstNumber > next) return false;\n",
    replace: "    if (next === null) return false;\n",
  },
  {
    name: "the first batch of a term is taken whatever its number",
    why: "a leader orders no write behind one that it has refused",
    file: "src/node/replica/ordered-writes.ts",
    run: "cluster",
    find: "row.number : 1;",
    replace: "row.number : Number.MAX_SAFE_INTEGER - 1;",
  },
  {
    name: "an entry counts as applied before its last request",
    why: "thesis 6.4 step 4; the applied index is that of whole entries",
    file: "src/state/machine.ts",
    run: "cluster",
    find: "sink: isOwn ? sink : null, steps: null };\n",
    replace: "sink: isOwn ? sink : null, steps: null };\n    this.#appliedIndex = entry.index;\n",
  },
  {
    name: "a forwarded frame is forwarded again",
    why: "RedisRaft #13; a leader refuses what does not follow, so nearly every such frame is refused",
    file: "src/node/replica/ordering.ts",
    run: "cluster",
    find: "    if (!driver.isLeader || header.term !== term) return;\n",
    replace:
      "    if (!driver.isLeader) this.#options.peers.send(this.#options.leader() ?? from, frameKind.forward, [Buffer.from(frame)]);\n    if (!driver.isLeader || header.term !== term) return;\n",
  },
];
