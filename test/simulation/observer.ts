// Looks at every node after every step, from outside: what Raft and the state machine promise.

import { frameKind } from "../../src/node/frames.ts";
import { decodeMessage } from "../../src/raft/codec.ts";
import type { RaftCore } from "../../src/raft/core/core.ts";
import type { Role } from "../../src/raft/core/types.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import { isConsensus } from "../support/consensus-frames.ts";
import { LogWatch } from "./log-watch.ts";
import { MemberWatch } from "./member-watch.ts";
import { NarrowWatch } from "./narrow-watch.ts";
import type { Running, SimulatedProcess, Watcher } from "./parts.ts";
import { StateWatch } from "./state-watch.ts";
import { SteadyWatch } from "./steady-watch.ts";
import { TimeWatch } from "./time-watch.ts";
import { ensure, type World } from "./world.ts";

/** What was seen of a process last. */
interface Seen {
  readonly node: SimulatedProcess;
  readonly running: Running;
  term: number;
  role: Role;
  commit: number;
  last: number;
  /** A new leader's log is looked through when all of it is on disk: up to this entry. */
  owes: number;
}

/** Types of messages that acknowledge something, by their number in the codec. */
const acknowledging = new Set([1, 3]);

export class Observer implements Watcher {
  readonly log: LogWatch;
  readonly state: StateWatch;
  readonly members: MemberWatch;
  readonly time: TimeWatch;
  readonly #narrow: NarrowWatch;
  readonly #steady: SteadyWatch;
  readonly #world: World;
  readonly #seen = new Map<number, Seen>();
  readonly #leaderOf = new Map<number, Seen>();

  constructor(world: World) {
    this.#world = world;
    this.log = new LogWatch(world);
    this.state = new StateWatch(world);
    this.members = new MemberWatch(world);
    this.time = new TimeWatch(world);
    this.#narrow = new NarrowWatch(world);
    this.#steady = new SteadyWatch(world);
  }

  // --- The life of a process ---------------------------------------------------------------------

  opened(node: SimulatedProcess, log: Running["log"], machine: Machine): void {
    this.time.opened(node);
    this.log.opened(node.id, log, log.hardState);
    this.state.restored(node.id, machine);
    if (machine.appliedIndex > 0) this.state.compare(node.id, machine);
    ensure(log.firstIndex <= machine.appliedIndex + 1, "12 snapshot seam", () => {
      return `node ${node.id} begins at ${log.firstIndex} and has ${machine.appliedIndex} applied`;
    });
    ensure(machine.appliedIndex <= this.log.committed, "6 commit", () => {
      return `node ${node.id} has ${machine.appliedIndex} applied of ${this.log.committed} committed`;
    });
  }

  watch(node: SimulatedProcess, running: Running): void {
    const { core, log, machine } = running;
    const { term, role, commit, last } = core;
    const seen: Seen = { node, running, term, role, commit, last: last.index, owes: 0 };
    this.#seen.set(node.id, seen);
    this.#watchReady(seen);
    const save = log.save.bind(log);
    log.save = (content, done) => {
      this.#saving(seen, content.entries[0]?.index ?? 0);
      this.members.saving(seen.running, content.entries);
      this.log.saving(log, content);
      save(content, () => {
        this.log.saved(node.id, content);
        this.#payCompleteness(seen);
        done();
      });
    };
    const restart = log.restart.bind(log);
    log.restart = (point, done) => {
      restart(point, () => {
        this.log.restarted(node.id, point.base.index);
        done();
      });
    };
    this.state.watch(node.id, machine);
  }

  /** Whoever restores it later must come to the same state. */
  checkpointBegins(node: SimulatedProcess, machine: Machine): void {
    this.state.compare(node.id, machine);
  }

  /** Snapshot seam: the state is exactly that of the entry it stands for. */
  installed(node: SimulatedProcess, machine: Machine): void {
    ensure(machine.appliedIndex <= this.log.committed, "12 snapshot seam", () => {
      return `node ${node.id} installs ${machine.appliedIndex} of ${this.log.committed} entries`;
    });
    this.state.restored(node.id, machine);
    this.state.compare(node.id, machine);
  }

  ended(node: SimulatedProcess): void {
    this.#narrow.ended(node.id);
    this.#seen.delete(node.id);
  }

  // --- What it says and does ---------------------------------------------------------------------

  sending(node: SimulatedProcess, kind: number, body: Buffer): void {
    if (kind === frameKind.forward) this.#world.marks.met("writes forwarded");
    else if (kind === frameKind.refused) this.#world.marks.met("forwarded frame refused");
    else if (kind === frameKind.snapshot && body.readUInt8(0) === 0) {
      this.#world.marks.met("snapshot begun");
    } else if (kind === frameKind.readIndexReply) {
      this.#world.marks.met("read confirmed by the leader's peer");
    }
    ensure(!node.isRetired || !isConsensus(kind), "11 membership", () => {
      return `node ${node.id} was removed, knows it, and takes part`;
    });
    if (!isConsensus(kind) || !acknowledging.has(body.readUInt8(1))) return;
    const message = decodeMessage(body);
    ensure(typeof message !== "string", "15 no silence", () => `${String(message)} is sent`);
    if (message.type === "voteReply") this.log.voteSent(node.id, message);
    else if (message.type === "appendReply") this.log.appendReplySent(node.id, message);
  }

  /** The core's work comes past here on its way to the driver. */
  #watchReady(seen: Seen): void {
    const { core } = seen.running;
    const ready = core.ready.bind(core);
    core.ready = (standsStill) => {
      const work = ready(standsStill);
      if (work !== null) this.#narrow.sending(seen.node.id, core, work.messages);
      if (work === null || work.committed.length === 0) return work;
      this.#commitMoved(seen, core);
      for (const entry of work.committed) this.log.applying(seen.node.id, entry);
      return work;
    };
  }

  #saving(seen: Seen, first: number): void {
    const { core, log } = seen.running;
    if (first === 0 || first > log.lastIndex) return;
    ensure(core.role !== "leader" || seen.owes > 0, "2 leader append-only", () => {
      return `node ${seen.node.id} leads and overwrites its entry ${first} of ${log.lastIndex}`;
    });
    this.#world.marks.met("uncommitted tail overwritten");
  }

  // --- After every step --------------------------------------------------------------------------

  after(node: SimulatedProcess): void {
    this.time.after();
    const seen = this.#seen.get(node.id);
    if (seen === undefined) return;
    const { core } = seen.running;
    if (core.term !== seen.term || core.role !== seen.role) this.#roleMoved(seen, core);
    if (core.commit !== seen.commit) this.#commitMoved(seen, core);
    node.leaderKnown(seen.running.replica.leader !== null);
    this.#narrow.after(seen.running);
    this.#steady.after(node, core);
    const last = core.last.index;
    ensure(core.commit <= last, "6 commit", () => `node ${node.id} commits what it does not have`);
    if (seen.role === "leader" && last < seen.last) {
      ensure(false, "2 leader append-only", () => `node ${node.id} drops entries while it leads`);
    }
    seen.last = last;
    ensure(core.dropped === 0, "15 no silence", () => {
      return `node ${node.id} dropped an honest message`;
    });
  }

  #roleMoved(seen: Seen, core: RaftCore): void {
    const { node } = seen;
    const { term, role } = core;
    ensure(term >= seen.term, "8 votes", () => `the term of node ${node.id} falls to ${term}`);
    const ledBefore = seen.role === "leader";
    if (role === "leader" && (!ledBefore || term !== seen.term)) this.#elected(seen, core);
    if (ledBefore && role !== "leader") this.#world.marks.met("leader deposed while it lives");
    const isInVain = seen.role === "candidate" && role === "preCandidate";
    if (isInVain) this.#world.marks.met("election in vain");
    this.#world.trace.note(node.id, `is ${role} in term %x`, term);
    seen.term = term;
    seen.role = role;
  }

  #elected(seen: Seen, core: RaftCore): void {
    const other = this.#leaderOf.get(core.term);
    ensure(other === undefined, "1 election safety", () => {
      return `nodes ${other?.node.id} and ${seen.node.id} lead in term ${core.term}`;
    });
    this.#leaderOf.set(core.term, seen);
    this.#steady.elected(core.term);
    this.members.elected(seen.node.id, this.log.committedUpTo(core.term));
    this.#world.marks.met("election");
    const owed = this.log.committedBefore(core.term);
    ensure(core.last.index >= owed, "4 leader completeness", () => {
      return `node ${seen.node.id} leads with ${core.last.index} of ${owed} entries`;
    });
    if (seen.running.machine.logTimeMs > seen.node.nowMs()) {
      this.#world.marks.met("log time ahead of the leader's clock");
    }
    seen.owes = owed;
    this.#payCompleteness(seen);
  }

  /** Every entry that was committed when it was elected is in its log; what is not written yet is seen later. */
  #payCompleteness(seen: Seen): void {
    const { core, log } = seen.running;
    if (seen.owes === 0 || core.role !== "leader") return;
    if (log.term(core.last.index) !== core.last.term) return;
    this.log.complete(seen.node.id, log, seen.owes);
    seen.owes = 0;
  }

  #commitMoved(seen: Seen, core: RaftCore): void {
    const { node } = seen;
    ensure(core.commit >= seen.commit, "6 commit", () => `the commit of node ${node.id} falls`);
    if (core.commit > this.log.committed) {
      const before = this.log.committed;
      this.log.commit(node.id, core);
      this.time.committed(this.log.entriesFrom(before + 1));
    }
    seen.commit = core.commit;
  }

  // --- Now and then ------------------------------------------------------------------------------

  /** All logs and states against each other, at full length. */
  compareAll(everything: boolean): void {
    for (const { node, running } of this.#seen.values()) {
      const { log, machine, core } = running;
      this.log.compare(node.id, log, everything);
      if (!machine.isApplying) this.state.compare(node.id, machine);
      ensure(machine.appliedIndex <= core.commit, "6 commit", () => {
        return `node ${node.id} applies ahead of its commit`;
      });
    }
  }
}
