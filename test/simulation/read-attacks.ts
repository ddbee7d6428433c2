// A fault that is aimed at reads: a follower that has asked its leader dies and comes back, and the leader keeps the question.

import type { Chance } from "./chance.ts";
import type { Network } from "./network.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

const ms = 1_000;
const lookUs = 250;
/** Shorter than the shortest election timeout: until then the leader has to hear a majority again. */
const patienceUs = 300 * ms;
/** For all that goes before: a restarted reader, reads of its clients and writes of others. */
const waitUs = 1_500 * ms;

/** The leader, who reads, and the rest of a cluster of three. */
interface Cast {
  readonly leader: SimulatedNode;
  readonly reader: SimulatedNode;
  readonly voter: SimulatedNode;
}

/**
 * The leader begins a round for the reader's question, and nobody confirms it. The reader dies, an entry that is
 * newer than the question is committed by the third node, and the reader asks again in its next life. It must not
 * get the answer to the old question, which its own first heartbeat confirms.
 */
export class ReadAttacks {
  readonly #world: World;
  readonly #nodes: readonly SimulatedNode[];
  readonly #network: Network;
  #over = false;

  constructor(world: World, nodes: readonly SimulatedNode[], network: Network) {
    this.#world = world;
    this.#nodes = nodes;
    this.#network = network;
  }

  end(): void {
    this.#over = true;
  }

  /** False: there are not three nodes, all of them up, with a leader. */
  begin(chance: Chance): boolean {
    const { length } = this.#nodes;
    const isCalm = this.#nodes.every(({ isUp, isPaused }) => isUp && !isPaused);
    const leader = this.#nodes.find(({ isLeader }) => isLeader);
    const [reader, voter] = chance.shuffled(this.#nodes.filter((node) => node !== leader));
    if (length !== 3 || !isCalm || leader === undefined) return false;
    if (reader === undefined || voter === undefined) return false;
    const cast = { leader, reader, voter };
    // The questions of a life are counted: the first ones of two lives are those that are alike.
    if (chance.happens(0.8)) this.#restart(reader);
    this.#when(
      () => this.#isReady(cast),
      waitUs,
      () => this.#cutOff(chance, cast),
    );
    return true;
  }

  #isReady({ leader, reader, voter }: Cast): boolean {
    const areUp = leader.isUp && reader.isUp && voter.isUp;
    return areUp && leader.isLeader && reader.running.replica.leader === leader.id;
  }

  #restart(node: SimulatedNode): void {
    node.end(false);
    this.#world.timeline.after(1, () => node.start());
  }

  /** No heartbeat arrives any more; what the others send does. The voter's disk is slow from the next entry on. */
  #cutOff(chance: Chance, cast: Cast): void {
    const { leader, reader, voter } = cast;
    const sent = leader.running.core.last.index;
    this.#network.block(leader.id, reader.id);
    const slowUs = chance.between(20 * ms, 80 * ms);
    // An entry has to reach the voter, and to be committed after the question was asked.
    const isAppended = (): boolean => voter.isUp && voter.running.core.last.index > sent;
    this.#when(isAppended, patienceUs, () => {
      voter.disk.stalledUntil = this.#world.timeline.now + slowUs;
      this.#network.block(leader.id, voter.id);
      this.#when(
        () => isAsked(reader),
        patienceUs,
        () => {
          this.#later(chance.between(1 * ms, 5 * ms), () => this.#die(chance, cast));
        },
      );
    });
    this.#world.timeline.after(waitUs, () => this.#mend(cast));
  }

  #die(chance: Chance, cast: Cast): void {
    const { leader, reader, voter } = cast;
    reader.end(false);
    this.#world.marks.met("reader restarted while the leader keeps its round");
    this.#later(chance.between(1, 5 * ms), () => reader.start());
    // The answer to its first heartbeat must not be held up by its disk; what it lacks is.
    this.#when(
      () => reader.isUp && isAsked(reader),
      patienceUs,
      () => {
        reader.disk.stalledUntil = this.#world.timeline.now + chance.between(5 * ms, 60 * ms);
        this.#network.unblock(leader.id, reader.id);
      },
    );
    this.#later(patienceUs, () => this.#network.unblock(leader.id, voter.id));
  }

  #mend({ leader, reader, voter }: Cast): void {
    this.#network.unblock(leader.id, reader.id);
    this.#network.unblock(leader.id, voter.id);
  }

  /** Looks now and then, for so long. */
  #when(holds: () => boolean, us: number, act: () => void): void {
    if (this.#over || us <= 0) return;
    if (holds()) act();
    else this.#later(lookUs, () => this.#when(holds, us - lookUs, act));
  }

  #later(us: number, act: () => void): void {
    this.#world.timeline.after(us, () => {
      if (!this.#over) act();
    });
  }
}

const isAsked = ({ tenants }: SimulatedNode): boolean =>
  [...tenants].some(({ awaitsRead }) => awaitsRead);
