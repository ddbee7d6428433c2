// Who changes the members of a simulated cluster: it asks nodes as cli/join.ts does, and starts whom they let in.

import type { AdminRequest } from "../../src/node/members/membership-plan.ts";
import { ErrorReply, type Reply } from "../../src/resp/reply.ts";
import type { Chance } from "./chance.ts";
import { addressOf } from "./founding.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

/** How often a question is looked after: the process that was asked may be gone. */
const lookUs = 100_000;
/** The answer that admits this address to another disk: whoever got the invitation is gone. */
const takenPattern = /is member \d+ already/;

export class Operator {
  readonly #world: World;
  readonly #nodes: readonly SimulatedNode[];
  /** Of the node that asks to join now: the same one until it is answered. */
  #joining = 0;
  #lastJoining = 0;
  /** One question at a time. */
  #isAsking = false;
  #over = false;

  constructor(world: World, nodes: readonly SimulatedNode[]) {
    this.#world = world;
    this.#nodes = nodes;
  }

  /** Nobody joins or leaves any more; whoever is let in by a late answer stays away for good. */
  end(): void {
    this.#over = true;
  }

  /** A standby node asks to join. False: nobody can be asked, or no node stands by. */
  add(chance: Chance): boolean {
    if (this.#nodes.every(({ joinedAs }) => joinedAs !== null)) return false;
    if (this.#joining === 0) this.#joining = this.#lastJoining += 1;
    const joining = this.#joining;
    const address = addressOf(this.#firstPort + joining);
    const directory = joining.toString(16).padStart(32, "0");
    return this.#ask(chance, { verb: "add", ...address, directory }, (reply) => {
      if (this.#joining !== joining) return;
      if (Array.isArray(reply)) this.#invited(reply as readonly Reply[], address);
      else if (!(reply instanceof ErrorReply) || !takenPattern.test(reply.text)) return;
      this.#joining = 0;
    });
  }

  /** Any member may have to go: the leader, one that is dead, one that has just come. */
  remove(chance: Chance, then: () => void = () => {}): boolean {
    const members = this.#nodes.filter(({ joinedAs, isGone }) => joinedAs !== null && !isGone);
    const leader = members.find(({ isLeader }) => isLeader);
    if (members.length < 2) return false;
    const dead = members.filter(({ exists }) => !exists);
    const likely = chance.happens(0.3) && leader !== undefined ? [leader] : members;
    const target = chance.pick(chance.happens(0.4) && dead.length > 0 ? dead : likely);
    const led = target.isLeader;
    return this.#ask(chance, { verb: "remove", id: target.id }, (reply) => {
      if (!isOk(reply)) return;
      target.isGone = true;
      this.#world.marks.met("member removed");
      if (led) this.#world.marks.met("leader removed");
      then();
    });
  }

  get #firstPort(): number {
    return this.#world.plan.founders;
  }

  #invited(reply: readonly Reply[], address: ReturnType<typeof addressOf>): void {
    const [, id, ...rows] = reply;
    const node = this.#nodes[(id as number) - 1];
    if (node === undefined || node.joinedAs !== null || this.#over) return;
    const peers = rows.map((row) => (row as readonly Reply[]).slice(0, 2) as [number, string]);
    this.#world.marks.met("member added");
    node.join(address, peers);
    node.start();
  }

  #ask(chance: Chance, request: AdminRequest, answered: (reply: Reply) => void): boolean {
    const able = this.#nodes.filter(({ isUp, isPaused, isGone }) => isUp && !isPaused && !isGone);
    if (this.#isAsking || able.length === 0) return false;
    const node = chance.pick(able);
    const world = this.#world;
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#isAsking = false;
      world.questions -= 1;
    };
    this.#isAsking = true;
    world.questions += 1;
    world.trace.note(node.id, `is asked to ${request.verb} ${"id" in request ? request.id : ""}`);
    node.event(() => {
      void node.running.replica.admin.ask(request).then((reply) => {
        if (!isOpen) return;
        close();
        world.trace.note(node.id, `answers ${request.verb}: ${shown(reply)}`);
        try {
          answered(reply);
        } catch (error) {
          world.fail(error);
        }
      });
    });
    this.#closeWhenGone(node, close);
    return true;
  }

  /** A node answers in the end, unless its process is another one by then. */
  #closeWhenGone(node: SimulatedNode, close: () => void): void {
    const { incarnation } = node;
    const look = (): void => {
      if (!node.exists || node.incarnation !== incarnation) close();
      else if (this.#isAsking) this.#world.timeline.after(lookUs, look);
    };
    look();
  }
}

const shown = (reply: Reply): string =>
  reply instanceof ErrorReply ? reply.text : isOk(reply) ? "OK" : JSON.stringify(reply);

const isOk = (reply: Reply): boolean =>
  typeof reply === "object" && reply !== null && "text" in reply && reply.text === "OK";
