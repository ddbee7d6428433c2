// Bugs of narrow places: full queues and windows, thin links, questions and batches that outlive a connection.

import type { Mutant } from "./mutant.ts";

const pendingWrites = "src/node/replica/pending-writes.ts";

const ordering = "src/node/replica/ordering.ts";
const parts = "src/node/replica/replica-parts.ts";

const questions: readonly Omit<Mutant, "run">[] = [
  {
    name: "the questions of each life begin at 1, and the leader keeps those of a dead peer",
    why: "node/life-numbers.ts: the answer to a question of a former life was fixed too early: a stale read",
    file: "src/node/replica/read-barrier.ts",
    find: "    this.#tokens = new LifeNumbers(options.incarnation);\n",
    replace: "    this.#tokens = new LifeNumbers(0 * options.incarnation);\n",
    also: { find: "      sharing.delete(peer);\n", replace: "" },
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
    name: "a leader names one number too many when it refuses",
    why: "what is missing is then never sent, and nothing behind it can be ordered",
    file: ordering,
    find: "const refusal: Refusal = { term, incarnation, next };",
    replace: "const refusal: Refusal = { term, incarnation, next: next + 1 };",
  },
  {
    name: "what is in the log of a term is ordered once more",
    why: "duplicates of what was sent again fill the room that commits have made: the storm of refusals",
    file: ordering,
    find: "    if (firstNumber + count <= next) return true;\n",
    replace: "",
  },
  {
    name: "what is given up takes its numbers with it",
    why: "a batch that was sent may still be committed, and the next one has to follow it",
    file: pendingWrites,
    find: "      batch.body = nothing;\n      this.#answerUnknown(batch);\n    }\n",
    replace:
      "      batch.body = nothing;\n      this.#answerUnknown(batch);\n    }\n    while (this.#numbered.length > 0) this.#finishBatch();\n",
  },
  {
    name: "the bytes of an answered write stay counted",
    why: "a node that counts itself full for ever reads no more requests",
    file: pendingWrites,
    find: "    this.#numberedBytes -= body.length;\n",
    replace: "",
  },
  {
    name: "the window of writes never opens again",
    why: "what was applied is on its way no more",
    file: pendingWrites,
    find: "      this.#sent -= 1;\n      this.#sentBytes -= body.length;\n",
    replace: "      this.#sent -= 1;\n",
  },
  {
    name: "the bytes of an answered read stay counted",
    why: "the same for reads",
    file: "src/node/replica/pending-reads.ts",
    find: "        this.#bytes -= bytes;\n",
    replace: "        if (this.#bytes < 0) this.#bytes -= bytes;\n",
  },
  {
    name: "a batch above the limit of uncommitted entries is never ordered",
    why: "a limit that is below one batch still has to let it pass alone",
    file: ordering,
    find: "driver.core.uncommittedBytes >= limits.uncommittedBytesMax",
    replace: "driver.core.uncommittedBytes + body.length >= limits.uncommittedBytesMax",
  },
  {
    name: "a batch that does not leave is lost",
    why: "it has no number yet, and nobody else knows of it",
    file: pendingWrites,
    find: "      if (!this.#send(numbered)) return false;\n      this.#closed.shift();\n",
    replace: "      this.#closed.shift();\n      if (!this.#send(numbered)) return false;\n",
  },
];

const links: readonly Omit<Mutant, "run">[] = [
  {
    name: "the window of appends never opens again",
    why: "what was acknowledged is on its way no more",
    file: "src/raft/core/leadership.ts",
    find: "      this.#bytes -= this.#sizes.shift() ?? 0;\n",
    replace: "      this.#sizes.shift();\n",
  },
  {
    name: "heartbeats wait behind the entries",
    why: "an entry that takes longer than an election timeout then costs a term, in every term",
    file: parts,
    find: "else peers.send(to, frameKind.raft, encodeMessage(message));",
    replace: "else peers.send(to, frameKind.append, encodeMessage(message));",
  },
  {
    name: "entries go with the heartbeats",
    why: "the same: what is urgent is one queue, and a large entry in it holds up the rest",
    file: parts,
    find: "peers.send(to, frameKind.append, encodeMessage(message), appendHeadBytes);",
    replace: "peers.send(to, frameKind.raft, encodeMessage(message), appendHeadBytes);",
  },
  {
    name: "a leader whose disk hangs goes on leading",
    why: "it commits with the disks of others and can apply nothing: its clients and many reads hang for ever",
    file: "src/raft/core/state.ts",
    find: "return this.savingTicks > 2 * this.options.electionTicks;",
    replace: "return this.savingTicks > 2_000 * this.options.electionTicks;",
  },
];

export const linkMutants: readonly Mutant[] = [...questions, ...batches, ...links].map(
  (mutant) => ({ ...mutant, run: "cluster" as const }),
);
