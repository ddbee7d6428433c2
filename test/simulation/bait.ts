// Bugs to plant: a simulation that finds none of them finds nothing.

import type { Replica } from "../../src/node/replica/replica.ts";
import type { RaftCore } from "../../src/raft/core/core.ts";
import { asIndex } from "../../src/raft/core/types.ts";
import type { SegmentLog } from "../../src/raft/storage/segment-log.ts";
import { errors } from "../../src/resp/errors.ts";
import { type Reply, SimpleString } from "../../src/resp/reply.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import type { Arguments } from "../../src/state/parse/arguments.ts";
import { isConsensus } from "../support/consensus-frames.ts";

/** Changes the parts of every node at its start, or what it sends. */
export interface Bait {
  opened?(parts: {
    readonly log: SegmentLog;
    readonly machine: Machine;
    readonly nowMs: () => number;
  }): void;
  core?(core: RaftCore): void;
  replica?(replica: Replica, machine: Machine): void;
  sending?(kind: number, body: Buffer): void;
}

interface BaitCase {
  readonly bait: Bait;
  /** Invariants of which one must break; the first words of them. */
  readonly breaks: readonly string[];
}

const override = <Value>(value: Value): PropertyDescriptor => ({ value, configurable: true });

/** Every bug with what must find it. */
export const baits: Readonly<Record<string, BaitCase>> = {
  "every vote counts as granted": {
    bait: {
      core(core) {
        const step = core.step.bind(core);
        core.step = (message) => {
          step(message.type === "voteReply" ? { ...message, granted: true } : message);
        };
      },
    },
    breaks: ["1 election safety", "4 leader completeness", "assertion", "7 committed"],
  },
  "a follower gets other bytes than the leader wrote": {
    bait: {
      core(core) {
        const step = core.step.bind(core);
        core.step = (message) => {
          if (message.type !== "appendEntries") return step(message);
          const entries = message.entries.map((entry) => {
            if (entry.index % 40 !== 0 || entry.data.length === 0) return entry;
            return { ...entry, data: entry.data.map((byte) => byte ^ 1) };
          });
          step({ ...message, entries });
        };
      },
    },
    breaks: ["3 log matching"],
  },
  "what was not synced is acknowledged": {
    bait: {
      opened({ log }) {
        const save = log.save.bind(log);
        let waiting: (() => void)[] | null = null;
        const write: SegmentLog["save"] = (content, done) => {
          if (waiting !== null) {
            waiting.push(() => write(content, done));
            done();
            return;
          }
          waiting = [];
          save(content, () => {
            const next = waiting ?? [];
            waiting = null;
            for (const act of next) act();
          });
          done();
        };
        log.save = write;
      },
    },
    breaks: ["durability", "7 committed", "8 votes", "assertion", "3 log matching"],
  },
  "a vote is forgotten at the restart": {
    bait: {
      opened({ log }) {
        const { term } = log.hardState;
        Object.defineProperty(log, "hardState", override({ term, votedFor: null }));
      },
    },
    breaks: ["8 votes"],
  },
  "an acknowledgement names an entry too many": {
    bait: {
      sending(kind, body) {
        if (!isConsensus(kind) || body.readUInt8(1) !== 3 || body.readUInt8(2) !== 0) return;
        body.writeUInt32LE(body.readUInt32LE(32) + 1, 32);
      },
    },
    breaks: ["7 committed"],
  },
  "writes that are sent again are applied again": {
    bait: {
      opened({ machine }) {
        const take = machine.origins.take.bind(machine.origins);
        machine.origins.take = (node, incarnation, first, count) => {
          take(node, incarnation, first, count);
          return first;
        };
      },
    },
    breaks: ["exactly once", "linearizability", "assertion"],
  },
  "log time is the clock of each node": {
    bait: {
      opened({ machine, nowMs }) {
        const apply = machine.apply.bind(machine);
        machine.apply = (entry, ...more) => {
          const isWhole = apply(entry, ...more);
          machine.keyspace.advance(nowMs());
          return isWhole;
        };
      },
    },
    breaks: ["5 state machine safety"],
  },
  "a read asks nobody": {
    bait: {
      replica(replica, machine) {
        replica.read = (waiter, command, args) => {
          waiter.reply(
            machine.read(command, 0, args as Arguments, machine.logTimeMs, () => 0.5) as Reply,
          );
        };
      },
    },
    breaks: ["10 reads"],
  },
  "a write is answered before it is committed": {
    bait: {
      replica(replica) {
        const write = replica.write.bind(replica);
        const silent = {
          id: 0,
          database: 0,
          protocol: 2,
          isGone: false,
          isFull: false,
          isCrowded: false,
          reply: () => {},
        } as const;
        replica.write = (waiter, source, start, end) => {
          write(silent, source, start, end);
          waiter.reply(new SimpleString("OK"));
        };
      },
    },
    breaks: ["linearizability", "exactly once"],
  },
  "a checkpoint forgets who wrote what": {
    bait: {
      opened({ machine }) {
        if (machine.appliedIndex > 0) machine.origins.restore([]);
      },
    },
    breaks: ["5 state machine safety", "assertion", "exactly once"],
  },
  "the state depends on the node": {
    bait: {
      opened({ machine }) {
        const apply = machine.apply.bind(machine);
        const before = machine.logTimeMs;
        machine.apply = (entry, ...more) => {
          const isWhole = apply(entry, ...more);
          if (entry.index === 60 && before === 0) machine.keyspace.clear(0);
          return isWhole;
        };
      },
    },
    breaks: ["5 state machine safety", "linearizability", "exactly once"],
  },
  "a follower that gave up never hears of a leader again": {
    bait: {
      core(core) {
        const step = core.step.bind(core);
        let deaf = false;
        core.step = (message) => {
          deaf ||= core.term > 4;
          if (!deaf || message.type === "requestVote") step(message);
        };
      },
    },
    breaks: ["liveness"],
  },
  "requests are refused without a reason": {
    bait: {
      replica(replica) {
        const write = replica.write.bind(replica);
        let asked = 0;
        replica.write = (waiter, source, start, end) => {
          asked += 1;
          if (asked % 50 === 0) waiter.reply(errors.clusterDown);
          else write(waiter, source, start, end);
        };
      },
    },
    breaks: ["9 refusals"],
  },
  "a snapshot brings another state": {
    bait: {
      opened({ machine }) {
        const adopt = machine.adopt.bind(machine);
        machine.adopt = (other) => {
          adopt(other);
          machine.keyspace.clear(0);
        };
      },
    },
    breaks: ["5 state machine safety"],
  },
  "log time runs back": {
    bait: {
      opened({ machine }) {
        const { keyspace } = machine;
        const logTimeMs = (): number =>
          keyspace.logTimeMs - (machine.appliedIndex === 50 ? 1e6 : 0);
        Object.defineProperty(machine, "logTimeMs", { get: logTimeMs });
      },
    },
    breaks: ["13 log time"],
  },
  "the commit index falls": {
    bait: {
      core(core) {
        let commit = core.commit;
        const ready = core.ready.bind(core);
        core.ready = (standsStill) => {
          const work = ready(standsStill);
          commit = asIndex(Math.max(commit, work?.committed.at(-1)?.index ?? 0));
          return work;
        };
        Object.defineProperty(core, "commit", { get: () => (commit % 20 === 0 ? 0 : commit) });
      },
    },
    breaks: ["6 commit"],
  },
  "a leader drops an entry": {
    bait: {
      core(core) {
        let dropped = 0;
        const proto: RaftCore = Object.getPrototypeOf(core);
        const own = (): RaftCore["last"] => Reflect.get(proto, "last", core);
        const tick = core.tick.bind(core);
        core.tick = () => {
          tick();
          if (core.role === "leader" && core.commit < core.last.index) dropped = 1;
        };
        const last = (): RaftCore["last"] => {
          const { term, index } = own();
          return { term, index: asIndex(index - dropped) };
        };
        Object.defineProperty(core, "last", { get: last });
      },
    },
    // Or that more is committed than there is, where it drops the only entry that is not.
    breaks: ["2 leader append-only", "6 commit"],
  },
  "a message is unreadable": {
    bait: {
      sending(kind, body) {
        if (isConsensus(kind) && body.length > 500) body.writeUInt8(99, 1);
      },
    },
    breaks: ["15 no silence"],
  },
};
