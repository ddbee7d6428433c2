// Plays a transcript: commands above a line of dashes, and below it what happened.

import { assert } from "../../src/assert.ts";
import { asIndex, asNode, type Message } from "../../src/raft/core/types.ts";
import { TestCluster } from "./raft-cluster.ts";
import { electionTicks, type NodeSetup, type TestNode } from "./raft-node.ts";

/** The transcript with the output that this code gives. */
export function play(transcript: string): string {
  const scenario = new Scenario();
  const blocks = transcript.trim().split(/\n\s*\n/);
  return `${blocks.map((block) => scenario.block(block)).join("\n\n")}\n`;
}

class Scenario {
  #cluster = new TestCluster([]);
  readonly #shown = new Map<number, string>();
  #output: string[] = [];

  block(block: string): string {
    const input = block.split("\n----")[0] ?? "";
    this.#output = [];
    for (const line of input.split("\n")) if (!line.startsWith("#")) this.#command(line);
    this.#showChanges();
    return [
      input.trimEnd(),
      "----",
      ...(this.#output.length > 0 ? this.#output : ["nothing"]),
    ].join("\n");
  }

  #command(line: string): void {
    const [name = "", ...words] = line.trim().split(/\s+/);
    const numbers = words.map(Number);
    const [a = 0, b = 0] = numbers;
    const act = this.#worldCommand(name, words, numbers) ?? this.#nodeCommand(name, words);
    assert(act !== null, `the command ${name} exists`);
    const said = act(a, b);
    if (said !== null && said !== undefined) this.#output.push(`${a}  ${said}`);
  }

  #worldCommand(
    name: string,
    words: readonly string[],
    numbers: readonly number[],
  ): ((a: number, b: number) => string | null) | null {
    const world: Record<string, (a: number, b: number) => void> = {
      cluster: (count) => {
        this.#cluster = new TestCluster([]);
        for (let id = 1; id <= count; id += 1) {
          this.#cluster.add({ ...settings(words), ...patience(id), voters: count, id });
        }
      },
      node: (id) => {
        const voters = this.#cluster.nodes.size;
        this.#cluster.add({ ...settings(words), ...patience(id), voters, id });
      },
      blank: (id) => this.#cluster.add({ ...patience(id), voters: 0, id }),
      deliver: (rounds) => this.#deliver(rounds || 10_000, words.at(-1) !== "quietly"),
      tick: (count) => {
        const chosen = numbers.length > 1 ? numbers.slice(1) : [...this.#cluster.nodes.keys()];
        for (const id of chosen) this.#cluster.node(id).ticks(count);
      },
      run: (count) => this.#cluster.tickAll(count),
      isolate: (id) => this.#cluster.isolate(id),
      cut: (from, to) => this.#cluster.cut(from, to),
      heal: () => this.#cluster.heal(),
      hold: (id) => this.#cluster.held.add(id),
      release: (id) => this.#cluster.held.delete(id),
      down: (id) => this.#cluster.down.add(id),
      up: (id) => {
        this.#cluster.down.delete(id);
        this.#cluster.node(id).crash();
      },
      logs: () => this.#showLogs(),
      compact: (id, index) => this.#cluster.node(id).compact(index),
    };
    const act = world[name];
    if (act === undefined) return null;
    return (a, b) => {
      act(a, b);
      return null;
    };
  }

  #nodeCommand(
    name: string,
    words: readonly string[],
  ): ((a: number, b: number) => string | null) | null {
    const core = (id: number) => this.#cluster.node(id).core;
    const said = (outcome: string | null | object) =>
      typeof outcome === "string" ? `refused: ${outcome}` : null;
    const commands: Record<string, (a: number, b: number) => string | null> = {
      campaign: (id) => {
        core(id).campaign();
        return null;
      },
      propose: (id) => {
        const data = words.slice(1).map((word) => new TextEncoder().encode(word));
        return core(id).propose(data) === null ? "refused" : null;
      },
      read: (id) => `read ${core(id).readIndex() ?? "refused"}`,
      transfer: (id, to) => said(core(id).transfer(asNode(to))),
      unreachable: (id, peer) => {
        core(id).unreachable(asNode(peer));
        return null;
      },
      failed: (id, peer) => {
        core(id).snapshotFailed(asNode(peer));
        return null;
      },
      gone: (id, leader) => {
        core(id).leaderGone(asNode(leader));
        return null;
      },
      snapshot: (id, to) => {
        this.#cluster.node(to).core.step(this.#cluster.node(id).snapshotFor(to));
        return null;
      },
      add: (id) =>
        said(core(id).proposeMembership({ type: "addLearner", address: words[1] ?? "" })),
      promote: (id, who) => said(core(id).proposeMembership({ type: "promote", id: asNode(who) })),
      remove: (id, who) => said(core(id).proposeMembership({ type: "remove", id: asNode(who) })),
    };
    return commands[name] ?? null;
  }

  #deliver(rounds: number, aloud: boolean): void {
    let arrived: Message[] = [];
    this.#cluster.onDeliver((message) => arrived.push(message));
    for (let round = 0; round < rounds && this.#cluster.deliverOnce(); round += 1) {
      if (aloud) this.#output.push(...describeAll(arrived));
      arrived = [];
    }
    this.#cluster.onDeliver(() => undefined);
  }

  #showChanges(): void {
    for (const [id, node] of this.#cluster.nodes) {
      if (!this.#cluster.down.has(id) && this.#cluster.held.has(id)) node.pump();
      const state = describeNode(node);
      if (this.#shown.get(id) !== state) this.#output.push(`${id}  ${state}`);
      this.#shown.set(id, state);
      for (const read of node.reads.splice(0)) {
        this.#output.push(`${id}  read ${read.id} ready at ${read.index}`);
      }
      for (const member of node.snapshots.splice(0)) {
        this.#output.push(`${id}  must send ${member} a snapshot`);
      }
      for (const lost of node.readsLost.splice(0)) this.#output.push(`${id}  read ${lost} lost`);
    }
  }

  #showLogs(): void {
    for (const [id, { log }] of this.#cluster.nodes) {
      const terms = Array.from(
        { length: log.lastIndex },
        (_, at) => log.entry(asIndex(at + 1))?.term ?? "-",
      );
      this.#output.push(`${id}  on disk ${terms.join(" ")}`);
    }
  }
}

/** "log=1,1,2 term=3 bytes=1": terms of the log, the saved term, bytes of entries in one message. */
function settings(words: readonly string[]): Omit<Partial<NodeSetup>, "id"> {
  const value = (name: string) =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const log = value("log")?.split(",").map(Number);
  const term = value("term");
  const bytes = value("bytes");
  return {
    ...(log ? { log } : {}),
    ...(term ? { term: Number(term) } : {}),
    ...(bytes ? { options: { appendBytesMax: Number(bytes) } } : {}),
  };
}

/** Timeouts of 10, 11, 12 ... ticks: who campaigns first is part of the story. */
const patience = (id: number) => ({ random: () => (id - 1) / electionTicks });

function describeNode({ core }: TestNode): string {
  const members = core.membership.members.map(({ id, voter }) => `${id}${voter ? "" : " learner"}`);
  const pending = core.membershipPending && core.commit > 0 ? " pending" : "";
  const leader = core.leader === null ? "" : ` of ${core.leader}`;
  const role = core.role === "follower" ? `follower${leader}` : core.role;
  const last = `${core.last.term}/${core.last.index}`;
  return `${role} term=${core.term} last=${last} commit=${core.commit} members=${members.join(",")}${pending}`;
}

/** One line for messages that differ in their receiver only. */
function describeAll(messages: readonly Message[]): readonly string[] {
  const lines = new Map<string, number[]>();
  for (const message of messages) {
    const key = `${message.from} -> |${describe(message)}`;
    lines.set(key, [...(lines.get(key) ?? []), message.to]);
  }
  return [...lines].map(([key, to]) => key.replace("|", `${to.join(" ")}  `));
}

function describe(message: Message): string {
  const id = ({ term, index }: { term: number; index: number }) => `${term}/${index}`;
  const { type, term } = message;
  switch (message.type) {
    case "requestVote": {
      const kind = `${message.pre ? " pre" : ""}${message.transfer ? " transfer" : ""}`;
      return `${type}${kind} term=${term} last=${id(message.last)}`;
    }
    case "voteReply":
      return `${type}${message.pre ? " pre" : ""} ${message.granted ? "granted" : "refused"} term=${term}`;
    case "appendEntries": {
      const entries = message.entries.map((entry) => ` +${id(entry)}`).join("");
      const asks = message.probe ? " asks" : "";
      return `${type} term=${term} after ${id(message.prev)}${entries} commit=${message.commit}${asks}`;
    }
    case "appendReply":
      return message.hint === null
        ? `${type} term=${term} match=${message.index}`
        : `${type} term=${term} refused=${message.index} hint=${id(message.hint)}`;
    case "heartbeat":
      return `${type} term=${term} commit=${message.commit} round=${message.round}`;
    case "heartbeatReply":
      return `${type} term=${term} round=${message.round}`;
    case "timeoutNow":
      return `${type} term=${term}`;
    case "installSnapshot":
      return `${type} term=${term} of ${id(message.point)}`;
  }
}
