// Bugs of narrow places: full queues and windows, thin links, questions and batches that outlive a connection.

import type { Mutant } from "./mutant.ts";

const pendingWrites = "src/node/replica/pending-writes.ts";

const questions: readonly Omit<Mutant, "run">[] = [
  {
    name: "the questions of each life begin at 1, and the leader keeps those of a dead peer",
    why: "node/life-numbers.ts: the answer to a question of a former life was fixed too early: a stale read",
    file: "src/node/replica/read-barrier.ts",
    find: "    this.#tokens = new LifeNumbers(incarnation);\n",
    replace: "    this.#tokens = new LifeNumbers(0 * incarnation);\n",
    also: {
      find: "        if (requests[at]?.peer === peer) requests.splice(at, 1);\n",
      replace: "        if (requests[at]?.peer === peer) continue;\n",
    },
  },
];

const batches: readonly Omit<Mutant, "run">[] = [
  {
    name: "a refusal makes its origin skip a number",
    why: "ARCHITECTURE.md: a gap in an origin's numbers is a broken invariant",
    file: pendingWrites,
    find: "  sendAgain(): void {\n",
    replace: "  sendAgain(): void {\n    if (this.#sent > 0) this.#nextNumber += 1;\n",
  },
  {
    name: "what is given up takes its numbers with it",
    why: "a batch that was sent may still be committed, and the next one has to follow it",
    file: pendingWrites,
    find: "    const [waiters, counts] = [this.#waiters, this.#counts];\n    this.#forgetCollected();\n",
    replace:
      "    while (this.#numbered.length > 0) this.#finishBatch();\n    const [waiters, counts] = [this.#waiters, this.#counts];\n    this.#forgetCollected();\n",
  },
  {
    name: "the bytes of an answered write stay counted",
    why: "a node that counts itself full for ever reads no more requests",
    file: pendingWrites,
    find: "    this.#numberedBytes -= batch.body.length;\n",
    replace: "",
  },
  {
    name: "the bytes of an answered read stay counted",
    why: "the same for reads",
    file: "src/node/replica/pending-reads.ts",
    find: "        this.#bytes -= weightOf(args);\n",
    replace: "        if (this.#bytes < 0) this.#bytes -= weightOf(args);\n",
  },
  {
    name: "a removed node that is full reads no more requests",
    why: "its pending writes were answered and never leave it; seed 202",
    file: "src/node/replica/replica.ts",
    find: "return !this.#retired && (this.#writes.isFull || this.#reads.isFull);",
    replace: "return this.#writes.isFull || this.#reads.isFull;",
  },
  {
    name: "a batch above the limit of uncommitted entries is never ordered",
    why: "a limit that is below one batch still has to let it pass alone",
    file: "src/node/replica/ordering.ts",
    find: "driver.uncommittedBytes >= this.#options.limits.uncommittedBytesMax",
    replace: "driver.uncommittedBytes + body.length >= this.#options.limits.uncommittedBytesMax",
  },
  {
    name: "a batch that the leader does not order counts as sent",
    why: "nobody comes back to it while the leader stays the same",
    file: pendingWrites,
    find: "      if (!this.#ports.submit(this.#numbered.at(this.#sent))) return;\n",
    replace: "      this.#ports.submit(this.#numbered.at(this.#sent));\n",
  },
];

const links: readonly Omit<Mutant, "run">[] = [
  {
    name: "the window of appends never opens again",
    why: "what was acknowledged is on its way no more",
    file: "src/raft/core/progress.ts",
    find: "      this.#bytes -= this.#sizes.shift() ?? 0;\n",
    replace: "      this.#sizes.shift();\n",
  },
  {
    name: "heartbeats wait behind the entries",
    why: "an entry that takes longer than an election timeout then costs a term, in every term",
    file: "src/node/replica/replica.ts",
    find: 'message.type === "appendEntries" ? frameKind.append : frameKind.raft;',
    replace: "frameKind.append;",
  },
  {
    name: "entries go with the heartbeats",
    why: "the same: what is urgent is one queue, and a large entry in it holds up the rest",
    file: "src/node/replica/replica.ts",
    find: 'message.type === "appendEntries" ? frameKind.append : frameKind.raft;',
    replace: "frameKind.raft;",
  },
];

export const linkMutants: readonly Mutant[] = [...questions, ...batches, ...links].map(
  (mutant) => ({ ...mutant, run: "cluster" as const }),
);
