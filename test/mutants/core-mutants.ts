// Bugs of consensus: terms and votes, commits, membership changes, snapshots, rounds of reads.

import type { Mutant } from "./mutant.ts";

const core = (name: string): string => `src/raft/core/${name}.ts`;

const votes: readonly Omit<Mutant, "run">[] = [
  {
    name: "a vote is forgotten at a restart",
    why: "§5.1: votedFor is persistent state; RedisRaft #17, #28: split brain",
    file: core("state"),
    find: "    this.hardState = options.hardState;\n",
    replace: "    this.hardState = { ...options.hardState, votedFor: null };\n",
  },
  {
    name: "a vote is told before it is on disk",
    why: "§5.1, etcd raft README step 1: persistent before a message that stands on it",
    file: core("election"),
    find: "state.outbox.sendWhenSaved({ ...reply, term, granted: true });",
    replace: "state.outbox.send({ ...reply, term, granted: true });",
  },
  {
    name: "votes are asked for before the term is on disk",
    why: "§5.1: a candidate that forgets its term campaigns in it twice, with another log",
    file: core("election"),
    find: "else state.outbox.sendWhenSaved(message);",
    replace: "else state.outbox.send(message);",
  },
  {
    name: "a candidate counts its own vote at once",
    why: "thesis 10.2.1: its own disk is one disk among others",
    file: core("election"),
    find: "  askForVotes(state, { pre: false, transfer });\n",
    replace:
      "  askForVotes(state, { pre: false, transfer });\n  recordVote(state, state.id, true);\n",
  },
  {
    name: "a second candidate of a term gets the vote too",
    why: "§5.2: first come, first served",
    file: core("election"),
    find: "votedFor === message.from || (votedFor === null && state.leader === null)",
    replace: "state.leader === null",
  },
  {
    name: "a candidate with an older log gets the vote",
    why: "§5.4.1: the election restriction",
    file: core("election"),
    find: "(free || ahead) && isUpToDate(message.last, state.log.last)",
    replace: "free || ahead",
  },
  {
    name: "logs are compared by their length alone",
    why: "§5.4.1: a longer log of an older term loses",
    file: core("election"),
    find: "candidate.term > own.term || (candidate.term === own.term && candidate.index >= own.index)",
    replace: "candidate.index >= own.index",
  },
  {
    name: "a preliminary vote changes the term",
    why: "thesis 9.6: a pre-vote binds nobody; hashicorp/raft #605",
    file: core("raft"),
    find: "    if (message.pre) return true;\n",
    replace: "",
  },
  {
    name: "who hears that the leader is gone campaigns without asking first",
    why: "thesis 9.6, 4.2.3: a wrong report must disturb no term",
    file: core("election"),
    find: '  startCampaign(state, "preCandidate");\n',
    replace:
      '  if (state.leader === null) return startElection(state, false);\n  startCampaign(state, "preCandidate");\n',
  },
  {
    name: "learners and removed members campaign",
    why: "thesis 4.2.1, 4.2.2; RedisRaft #2, #3, #30: removed nodes",
    file: core("state"),
    find: "return this.log.history.mayBeVoter(this.id) && !this.diskHangs;",
    replace: "return true;",
  },
];

const commits: readonly Omit<Mutant, "run">[] = [
  {
    name: "an old term's entry is committed by its copies",
    why: "§5.4.2, figure 8",
    file: core("leader"),
    find: "if (index <= log.commit || log.term(index) !== state.term) return;",
    replace: "if (index <= log.commit) return;",
  },
  {
    name: "a leader opens its term without an entry",
    why: "§8; RedisRaft #18, #19 (PR 22): no no-op after an election",
    file: core("leader"),
    find: '  appendOwn(state, leadership, [{ ...nextId(state), kind: "noop", data: nothing }]);\n',
    replace: "",
  },
  {
    name: "a leader counts itself before its own disk has the entry",
    why: "thesis 10.2.1; etcd #14370: exposed as committed and not durable",
    file: core("leader"),
    find: "id === state.id ? log.stable :",
    replace: "id === state.id ? log.last.index :",
  },
  {
    name: "entries are acknowledged before they are on disk",
    why: "§5.3, etcd raft README step 1; jepsen on many: reply before sync",
    file: core("follower"),
    find: "state.outbox.acknowledge({",
    replace: "state.outbox.send({",
  },
  {
    name: "a completed write makes durable what has replaced it meanwhile",
    why: "etcd async_storage_writes_append_aba_race",
    file: core("log"),
    find: "      this.#saving = Math.min(this.#saving, this.#unstable.length);\n",
    replace: "",
  },
  {
    name: "a write that was under way makes entries behind a snapshot durable",
    why: "the same race, at the installation of a snapshot",
    file: core("log"),
    find: "    this.#unstable = [];\n    this.#saving = 0;\n    this.#offset = index + 1;\n",
    replace: "    this.#unstable = [];\n    this.#offset = index + 1;\n",
  },
  {
    name: "two writes of the log are in flight",
    why: "two LevelDB batches commit in the wrong order in 90 of 400 runs",
    file: core("outbox"),
    find: "    if (this.#saving !== null) return null;\n",
    replace: "",
  },
  {
    name: "a late, shorter append shortens the log",
    why: "§5.3: only a conflict deletes",
    file: core("follower"),
    find: "log.append(known === 0 ? entries : entries.slice(known));",
    replace: "log.append(entries);",
  },
  {
    name: "an append overwrites what is committed",
    why: "§5.4.3; RedisRaft #654: prev conflicts with a committed entry",
    file: core("follower"),
    find: "  if (prev.index < log.commit) {\n    appendAfterCommit(state, message);\n",
    replace: "  if (prev.index < log.commit) {\n    log.append(entries);\n",
  },
  {
    name: "entries are taken without looking at the one before them",
    why: "§5.3: the consistency check",
    file: core("follower"),
    find: "} else if (log.agrees(prev)) {",
    replace: "} else if (prev.index <= log.last.index) {",
  },
  {
    name: "a heartbeat tells of commits that the follower may not have",
    why: "etcd raft: min(match, committed) in sendHeartbeat",
    file: core("replication"),
    find: "commit: asIndex(Math.min(follower.match, state.log.commit)),",
    replace: "commit: state.log.commit,",
  },
  {
    name: "the leader believes acknowledgements of entries that it does not have",
    why: "message fuzzing of RedisRaft #643 to #651",
    file: core("leadership"),
    find: "    if (news) this.#match = index;\n",
    replace: "    if (news) this.#match = asIndex(index + 1);\n",
  },
  {
    name: "a term that is not known is 0",
    why: "etcd raft PR 31: compaction against a slow follower",
    file: core("log"),
    find: "?.term ?? null;\n    if (this.#installing === null) return this.#reader.term(index);\n",
    replace:
      "?.term ?? asTerm(0);\n    if (this.#installing === null) return this.#reader.term(index) ?? asTerm(0);\n",
  },
];

const membership: readonly Omit<Mutant, "run">[] = [
  {
    name: "learners count in every majority",
    why: "thesis 4.2.1",
    file: core("membership"),
    find: "this.#voters = this.membership.members.filter((member) => member.voter).map(({ id }) => id);",
    replace: "this.#voters = this.membership.members.map(({ id }) => id);",
  },
  {
    name: "a learner's acknowledgement counts for a commit",
    why: "thesis 4.2.1: its disk is none of the majority's",
    file: core("leader"),
    find: "const reached = log.history.voters.map((id) =>",
    replace: "const reached = log.history.membership.members.map(({ id }) =>",
  },
  {
    name: "removed voters still count, new ones do not yet",
    why: "§6: a configuration is in force when it is appended; etcd 77ae04b",
    file: core("membership"),
    find: "    this.#steps.push(step);\n    this.#countVoters();\n",
    replace: "    this.#steps.push(step);\n",
  },
  {
    name: "members are changed before the leader's own commit",
    why: "the hole of single-server changes, Ongaro 2015",
    file: core("leader"),
    find: '  if (!leadership.ownCommit) return "the new leader has not committed an entry yet";\n',
    replace: "",
  },
  {
    name: "a second change begins while the first is open",
    why: "thesis 4.1: one at a time",
    file: core("leader"),
    find: '  if (log.history.index > log.commit) return "another change is under way";\n',
    replace: "",
  },
  {
    name: "a configuration stays in force after its entry was truncated",
    why: "§6: back to the one before; RedisRaft #44, #52",
    file: core("log"),
    find: "    this.history.rollBack(from);\n",
    replace: "",
  },
  {
    name: "an id is given to a second member",
    why: "RedisRaft #2: a node id was used again",
    file: core("membership"),
    find: "  return { members, nextId: now.nextId };\n}\n\nfunction replaceMember",
    replace:
      "  const nextId = asNode(Math.max(...members.map((member) => member.id)) + 1);\n  return { members, nextId };\n}\n\nfunction replaceMember",
  },
  {
    name: "a snapshot brings no configuration",
    why: "thesis 5.1: the configuration is part of the snapshot",
    file: core("log"),
    find: "    this.history.restart(point.membership);\n",
    replace: "",
  },
];

const snapshots: readonly Omit<Mutant, "run">[] = [
  {
    name: "a lower snapshot is taken",
    why: "§7: it would take the state back; RedisRaft #53, #54",
    file: core("follower"),
    find: "  } else if (point.index <= log.commit) {\n",
    replace: "  } else if (point.index < 0) {\n",
  },
  {
    name: "entries are kept behind a snapshot that contradicts them",
    why: "§7: only a suffix of the same log is retained",
    file: core("follower"),
    find: "  } else if (log.agrees(point)) {\n",
    replace: "  } else if (point.index <= log.last.index) {\n",
  },
  {
    name: "what follows the point of a snapshot is thrown away",
    why: "thesis 5.3: it may be acknowledged already",
    file: core("follower"),
    find: "  } else if (log.agrees(point)) {\n",
    replace: "  } else if (point.index < 0) {\n",
  },
  {
    name: "the log goes on one entry too far behind a snapshot",
    why: "RedisRaft #43: a gap between the snapshot and the log",
    file: core("log"),
    find: "    this.#offset = index + 1;\n    this.#last = { term, index };\n",
    replace: "    this.#offset = index + 2;\n    this.#last = { term, index };\n",
  },
  {
    name: "the entry after a snapshot is never sent",
    why: "nextIndex is off by one behind an installed snapshot",
    file: core("leadership"),
    find: "      this.#next = asIndex(this.#match + 1);\n",
    replace: "      this.#next = asIndex(this.#match + 2);\n",
  },
  {
    name: "entries from the log's first one on need a snapshot",
    why: "the other off by one: a slow member gets snapshots for ever",
    file: core("replication"),
    find: "if (prevTerm === null || (carry && !log.has(follower.next))) {",
    replace: "if (prevTerm === null || !log.has(prevIndex)) {",
  },
  {
    name: "a failed snapshot is never tried again",
    why: "etcd raft ReportSnapshot: the member would wait for ever",
    file: core("leadership"),
    find: '    if (this.#state !== "snapshot") return;\n    this.#probe(last + 1);\n',
    replace: '    if (this.#state === "snapshot") return;\n    this.#probe(last + 1);\n',
  },
];

const reads: readonly Omit<Mutant, "run">[] = [
  {
    name: "reads are served before the leader's own commit",
    why: "thesis 6.4 step 1; RedisRaft #18, #19",
    file: core("leader"),
    find: "reads.hasWaiting && !reads.hasOpen && leadership.ownCommit",
    replace: "reads.hasWaiting && !reads.hasOpen",
  },
  {
    name: "any answer confirms the open round of reads",
    why: "etcd raft PR 397: duplicated and late answers",
    file: core("leader"),
    find: "follower.round = Math.max(follower.round, message.round);",
    replace: "follower.round = state.reads.begun;",
  },
  {
    name: "the number of a round of reads is used again",
    why: "etcd raft PR 397: the context of a request was the caller's",
    file: core("read-index"),
    find: "      this.#lastId += 1;\n",
    replace: "      this.#lastId = Math.max(1, this.#begun);\n",
  },
  {
    name: "a read joins a round that began before it",
    why: "thesis 6.4: the read index is as of the request or later",
    file: core("read-index"),
    find: "  join(): number {\n",
    replace: "  join(): number {\n    if (this.hasOpen) return this.#begun;\n",
  },
  {
    name: "a read shows what is on the leader's disk one entry ago",
    why: "thesis 6.4: the read index is the commit index",
    file: core("leader"),
    find: "reads.begin(log.commit);",
    replace: "reads.begin(asIndex(log.commit - 1));",
  },
  {
    name: "learners and removed members confirm reads",
    why: "etcd 77ae04b: acknowledgements of removed voters counted",
    file: core("leader"),
    find: "      log.history.voters.map((id) =>\n        id === state.id ? reads.begun",
    replace:
      "      [state.id, ...leadership.followers.keys()].map((id) =>\n        id === state.id ? reads.begun",
  },
  {
    name: "a leader confirms reads by itself",
    why: "thesis 6.4: a deposed leader does not know it",
    file: core("leader"),
    find: 'const confirmed = reads.confirm(reached("round"));',
    replace: "const confirmed = reads.confirm(reads.begun);",
  },
];

const links: readonly Omit<Mutant, "run">[] = [
  {
    name: "a probe is sent again with its entries when a heartbeat is answered",
    why: "heartbeats overtake entries: what is not acknowledged may be on its way for a minute",
    file: core("leadership"),
    find: "    } else if (this.#mayAsk && this.#isWaiting) {\n      this.#nudged = true;\n",
    replace:
      "    } else if (this.#mayAsk && this.#isWaiting) {\n      this.#nudged = true;\n      this.#probe(this.#match + 1);\n",
  },
  {
    name: "nobody asks what became of entries that were lost",
    why: "§5.3: a leader tries again until every follower has every entry",
    file: core("leadership"),
    find: "    } else if (this.#mayAsk && this.#isWaiting) {\n",
    replace: "    } else if (this.#mayAsk && this.#match < 0) {\n",
  },
  {
    name: "a question about lost entries is not answered",
    why: "an acknowledgement that was lost is never repeated",
    file: core("follower"),
    find: "  return entries.length > 0 || probe;\n",
    replace: "  return entries.length > 0 || (probe && entries.length > 0);\n",
  },
];

export const coreMutants: readonly Mutant[] = [
  ...votes,
  ...commits,
  ...membership,
  ...snapshots,
  ...reads,
  ...links,
].map((mutant) => ({ ...mutant, run: "core" }));
