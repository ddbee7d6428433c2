// A whole cluster in one thread and virtual time, from one seed: first chaos, then recovery.

import { electionTicksMin, leaderWaitMs, tickMs } from "../../src/constants.ts";
import { createLogger } from "../../src/logger.ts";
import type { Operation } from "../checking/history.ts";
import type { Bait } from "./bait.ts";
import { Chance } from "./chance.ts";
import { SimulatedClient } from "./client.ts";
import { Marks } from "./marks.ts";
import { Nemesis } from "./nemesis.ts";
import { Network } from "./network.ts";
import { SimulatedNode } from "./node.ts";
import { Observer } from "./observer.ts";
import type { Plan } from "./plan.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { checkHistory } from "./verdict.ts";
import { counters, registers } from "./workload.ts";
import { ensure, Violation, type World } from "./world.ts";

/** Steps from one full comparison to the next. */
const compareEvery = 1_000;
/** The longest election timeout, ten times. */
const recoveryUs = 10 * 2 * electionTicksMin * tickMs * 1_000;
/** Until a question about members that is open has its answer, by the slowest clock. */
const questionsUs = 1.2 * leaderWaitMs * 1_000;
/** Longer than a leader works on a question whose asker is gone. */
const restUs = 3_000_000;
/** What a run of any seed needs at most; more means that it does not come to rest. */
const stepsMax = 2_000_000;

/** What a node logs that learns that it is no member any more. */
const removedPattern = /was removed from the cluster/;
/** What a node logs that sees wrong clocks. */
const clockPattern = /the clock of|voters' clocks|log time is/;
const diskPattern = /"the disk does not answer/;
/** Clients with higher numbers belong to the second phase. */
const askersFrom = 1_000;

export interface Outcome {
  readonly hash: string;
  readonly marks: Marks;
  /** Null when every promise was kept. */
  readonly violation: Violation | null;
  readonly lastLines: readonly string[];
  readonly history: readonly Operation[];
}

export interface SimulationOptions {
  /** Gets every line of the trace. */
  readonly out?: (line: string) => void;
  /** A bug that is planted, to see it found. */
  readonly bait?: Bait;
}

/** Runs a plan to its end or to the first violation. */
export async function simulate(plan: Plan, options: SimulationOptions = {}): Promise<Outcome> {
  const simulation = new Simulation(plan, options);
  const violation = await simulation.run();
  const { hash } = simulation.trace;
  const { marks, history } = simulation;
  return { hash, marks, violation, history, lastLines: simulation.trace.last() };
}

class Simulation {
  readonly trace: Trace;
  readonly marks = new Marks();
  readonly history: Operation[] = [];
  readonly #plan: Plan;
  readonly #timeline = new Timeline();
  readonly #world: World;
  readonly #observer: Observer;
  readonly #nodes: readonly SimulatedNode[];
  readonly #network: Network;
  readonly #nemesis: Nemesis;
  readonly #clients: readonly SimulatedClient[];
  #lastClient = askersFrom;
  #failure: unknown = null;
  #comparedAt = 0;

  constructor(plan: Plan, { out, bait = {} }: SimulationOptions) {
    this.#plan = plan;
    this.trace = new Trace(this.#timeline, out ?? null);
    this.#world = {
      ...{ plan, timeline: this.#timeline, trace: this.trace, marks: this.marks },
      ...{ wantsDrain: false, questions: 0, steps: 0 },
      fail: (error) => {
        this.#failure ??= error;
      },
    };
    this.#observer = new Observer(this.#world);
    const around = {
      world: this.#world,
      watcher: this.#observer,
      loggerOf: (id: number) =>
        createLogger("warn", { write: (line) => this.#complained(line, id) }),
      snapshotLogger: createLogger("silent"),
      network: () => this.#network,
      bait,
    };
    this.#nodes = Array.from({ length: plan.nodes }, (_, at) => new SimulatedNode(at + 1, around));
    this.#network = new Network(this.#world, this.#nodes);
    this.#nemesis = new Nemesis(this.#world, this.#nodes, this.#network);
    this.#clients = plan.clients.map((each) => this.#client(each));
  }

  #client(plan: Plan["clients"][number]): SimulatedClient {
    const { history } = this;
    const around = { world: this.#world, observer: this.#observer, nodes: this.#nodes, history };
    return new SimulatedClient(around, plan);
  }

  /** Honest nodes give nobody a reason to warn. */
  #complained(line: string, id: number): void {
    if (removedPattern.test(line)) return;
    if (clockPattern.test(line)) {
      this.marks.met("wrong clock noticed");
      return;
    }
    const isStalled = this.#nodes[id - 1]?.disk.wasStalledSince(this.#world.timeline.now);
    if (diskPattern.test(line) && isStalled === true) return;
    this.#world.fail(new Violation("15 no silence", line.trim()));
  }

  async run(): Promise<Violation | null> {
    try {
      for (const node of this.#nodes) node.start();
      for (const client of this.#clients) this.#timeline.after(300_000, () => client.begin());
      await this.#runUntil(() => this.#timeline.now >= this.#plan.safetyUs);
      await this.#recover();
      for (const client of this.#clients) client.close();
      this.#judge();
      return null;
    } catch (error) {
      return asViolation(error);
    } finally {
      this.marks.seeds = 1;
      this.marks.steps = this.#world.steps;
      this.marks.simulatedUs = this.#timeline.now;
      this.marks.operations = this.history.length;
      this.marks.entries = this.#observer.log.committed;
    }
  }

  async #runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      if (this.#timeline.next === Number.POSITIVE_INFINITY) return;
      this.#timeline.take()();
      if (this.#world.wantsDrain || this.#world.questions > 0) await this.#drain();
      if (this.#failure !== null) throw this.#failure;
      this.#compareSometimes();
    }
  }

  /** Promises go on as far as they can before time does: none of them can tell when that was. */
  async #drain(): Promise<void> {
    this.#world.wantsDrain = false;
    await new Promise((resolve) => setImmediate(resolve));
  }

  #compareSometimes(): void {
    const { steps } = this.#world;
    if (steps - this.#comparedAt < compareEvery) return;
    ensure(steps < stepsMax, "bounds", () => "the run comes to an end");
    this.#comparedAt = steps;
    this.#observer.compareAll(false);
  }

  // --- The second phase ----------------------------------------------------------------------------

  /** Some majority is healed, the others are gone for good: it must go on by itself, and soon. */
  async #recover(): Promise<void> {
    const chance = new Chance(this.#plan.seed, "recovery");
    for (const client of this.#clients) client.stop();
    this.#nemesis.end();
    this.#network.unblockAll();
    this.#network.widen();
    const core = this.#changesMembers
      ? await this.#settleMembers(chance)
      : await this.#pickMajority(chance);
    this.trace.note(0, "second phase: %x nodes stand", core.length);
    const began = this.#timeline.now;
    await this.#writeEverywhere(core, began);
    this.marks.slowestRecoveryUs = this.#timeline.now - began;
    await this.#readEverything(core);
    this.#observer.compareAll(true);
  }

  async #pickMajority(chance: Chance): Promise<readonly SimulatedNode[]> {
    const size =
      Math.floor(this.#nodes.length / 2) + 1 + chance.below(Math.ceil(this.#nodes.length / 2));
    // Whoever has a flipped bit may stay away: that has to be known before.
    await this.#heal(this.#nodes.filter(({ disk }) => disk.rot === "unnoticed"));
    const order = chance.shuffled(this.#nodes).sort((a, b) => Number(a.isLost) - Number(b.isLost));
    const core = order.slice(0, size).filter(({ isLost }) => !isLost);
    for (const node of order.filter((each) => !core.includes(each))) {
      this.marks.met("minority left dead in the second phase");
      node.mayCrash = true;
      node.end(true);
    }
    await this.#heal(core);
    return core;
  }

  async #heal(nodes: readonly SimulatedNode[]): Promise<void> {
    for (const node of nodes) {
      node.resume();
      node.disk.repair();
      node.mayCrash = false;
      node.start();
    }
    await this.#runUntil(() => nodes.every(({ isUp, isLost }) => isUp || isLost));
  }

  get #changesMembers(): boolean {
    return this.#plan.founders < this.#plan.nodes;
  }

  /** Everybody is healed, every change comes to its end, then a majority of the voters goes on alone. */
  async #settleMembers(chance: Chance): Promise<readonly SimulatedNode[]> {
    await this.#heal(this.#nodes.filter(({ joinedAs }) => joinedAs !== null));
    let until = this.#timeline.now + recoveryUs + questionsUs;
    let matched = 0;
    let leader: SimulatedNode | null = null;
    let since = 0;
    let settled: unknown = null;
    await this.#runUntil(() => {
      leader = this.#settledLeader;
      const now = leader?.running.core.membership ?? null;
      if (now !== settled) since = this.#timeline.now;
      settled = now;
      // On a slow network a learner may need long: it has to come nearer.
      if (this.#matched !== matched) until = Math.max(until, this.#timeline.now + recoveryUs);
      matched = this.#matched;
      const isStill = leader !== null && this.#timeline.now >= since + restUs;
      return isStill || this.#timeline.now > until;
    });
    leader = this.#settledLeader;
    ensure(leader !== null, "liveness", () => {
      return `all members stand for ${recoveryUs / 1e6} s and the configuration does not settle`;
    });
    const { members } = leader.running.core.membership;
    const voters = members.filter(({ voter }) => voter).map(({ id }) => this.#nodes[id - 1]);
    const order = chance.shuffled(voters.filter((node) => node !== undefined));
    const size = Math.floor(order.length / 2) + 1 + chance.below(Math.ceil(order.length / 2));
    for (const node of order.slice(size)) {
      this.marks.met("minority left dead in the second phase");
      node.mayCrash = true;
      node.end(true);
    }
    return order.slice(0, size);
  }

  /** What the leader knows its members to have, all together, and how much there is. */
  get #matched(): number {
    const leader = this.#nodes.find(({ isUp, isLeader }) => isUp && isLeader);
    const progress = leader?.running.replica.driver.core.progress() ?? [];
    return progress.reduce((sum, { match }) => sum + match, 0);
  }

  /** A leader whose configuration is committed, and whose living learners have become voters. */
  get #settledLeader(): SimulatedNode | null {
    const leaders = this.#nodes.filter(({ isUp, isLeader }) => isUp && isLeader);
    const [leader] = leaders.sort((a, b) => b.running.core.term - a.running.core.term);
    if (leader === undefined || this.#world.questions > 0 || leader.running.core.membershipPending)
      return null;
    const { members } = leader.running.core.membership;
    const isUnsettled = members.some(({ id, voter }) => {
      return !voter && this.#nodes[id - 1]?.joinedAs !== null && id <= this.#nodes.length;
    });
    const isIn = members.some(({ id }) => id === leader.id);
    return isUnsettled || !isIn ? null : leader;
  }

  /** A node whose disk hung for long refuses requests until its next tick after that. */
  async #disksAnswer(core: readonly SimulatedNode[], began: number): Promise<void> {
    const hangs = (): boolean =>
      core.some((node) => {
        return node.isUp && node.running.core.savingTicks * tickMs >= leaderWaitMs;
      });
    if (!hangs()) return;
    await this.#runUntil(() => !hangs() || this.#timeline.now > began + recoveryUs);
    ensure(!hangs(), "liveness", () => "a disk completes operations, and a node thinks it hangs");
    const noticedAt = this.#timeline.now + 2 * tickMs * 1_000;
    await this.#runUntil(() => this.#timeline.now > noticedAt);
  }

  /** A new write by every node, and what was under way, is answered and applied on all of them. */
  async #writeEverywhere(core: readonly SimulatedNode[], began: number): Promise<void> {
    await this.#disksAnswer(core, began);
    const isLed = (): boolean =>
      core.every((node) => node.isUp && node.running.replica.leader !== null);
    await this.#runUntil(() => isLed() || this.#timeline.now > began + recoveryUs);
    ensure(
      isLed(),
      "liveness",
      () => `a majority stands for ${recoveryUs / 1e6} s without a leader`,
    );
    // A node believes its own disk full until it looks again, and tells the others then: as long as that may be, a write
    // may be refused by whoever has heard of two of them.
    const takesWrites = (): boolean =>
      core.every((node) => node.isUp && core.every(({ id }) => node.running.room.hasRoom(id)));
    await this.#runUntil(() => takesWrites() || this.#timeline.now > began + recoveryUs);
    ensure(takesWrites(), "liveness", () => "there is space again, and writes are refused");
    const asked = core.map((node) => this.#ask(node, [["APPEND", registers[0], `,end${node.id}`]]));
    const isAnswered = (): boolean =>
      [...asked, ...this.#clients].every(({ isWaiting }) => !isWaiting);
    // Where little may be under way at a time, many large values and snapshots take long: one answer, or one percent of a
    // snapshot, has to follow another.
    const progress = (): number => this.history.length + percentOfSnapshots(core);
    let reached = progress();
    let until = began + recoveryUs;
    await this.#runUntil(() => {
      if (progress() !== reached) until = this.#timeline.now + recoveryUs;
      reached = progress();
      return isAnswered() || this.#timeline.now > until;
    });
    ensure(isAnswered(), "liveness", () => {
      return `a majority stood for ${recoveryUs / 1e6} s, and no request has an answer`;
    });
    const answeredAt = this.#timeline.now;
    const target = this.#observer.log.committed;
    const isApplied = (): boolean =>
      core.every((node) => node.isUp && node.running.machine.appliedIndex >= target);
    await this.#runUntil(() => isApplied() || this.#timeline.now > answeredAt + recoveryUs);
    ensure(isApplied(), "liveness", () => `a node does not apply entry ${target}`);
    this.#observer.time.ends(core);
  }

  async #readEverything(core: readonly SimulatedNode[]): Promise<void> {
    const began = this.#timeline.now;
    const words = [...registers, ...counters].map((key) => ["GET", key]);
    const asked = core.map((node) => this.#ask(node, words));
    const isAnswered = (): boolean => asked.every(({ isWaiting }) => !isWaiting);
    await this.#runUntil(() => isAnswered() || this.#timeline.now > began + recoveryUs);
    ensure(isAnswered(), "liveness", () => "a read has no answer");
    const refused = this.history.find(({ client, kind }) => client > askersFrom && kind === "fail");
    ensure(refused === undefined, "9 refusals", () => {
      return `a majority stands and has a leader, and request ${refused?.id} is refused`;
    });
  }

  /** A client that asks these things of one node at once. */
  #ask(node: SimulatedNode, requests: readonly (readonly string[])[]): SimulatedClient {
    this.#lastClient += 1;
    const id = this.#lastClient;
    const client = this.#client({
      ...{ id, node: node.id },
      requests: requests.map((words, at) => ({
        id: id * 1_000 + at,
        words,
        thinkUs: at === 0 ? 1 : 0,
      })),
    });
    client.begin();
    client.askNow();
    return client;
  }

  #judge(): void {
    const undecided = checkHistory(this.#plan, this.history, this.#observer.log.entries());
    if (undecided) this.marks.undecided = 1;
  }
}

function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Violation("assertion", text, { cause: error });
}

/** Of all that are on their way between these nodes. */
function percentOfSnapshots(nodes: readonly SimulatedNode[]): number {
  let sum = 0;
  for (const { running } of nodes) {
    for (const { id } of nodes) sum += running.snapshots.percent(id) ?? 0;
  }
  return sum;
}
