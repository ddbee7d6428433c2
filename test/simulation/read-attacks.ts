// A fault that is aimed at reads: a follower that has asked its leader dies and comes back, and the leader keeps the question.

import type { Chance } from "./chance.ts";
import type { Network } from "./network.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

const ms = 1_000;
const lookUs = 250;
/** For a question on its way to the leader. */
const questionUs = 3 * ms;
/** Of each step; all of them together are shorter than an election timeout, as a rule. */
const patienceUs = 300 * ms;
/** Until everything is open again. */
const lengthUs = 1_000 * ms;

/** The leader, who reads, and the rest of a cluster of three. */
interface Cast {
  readonly leader: SimulatedNode;
  readonly reader: SimulatedNode;
  readonly voter: SimulatedNode;
}

/**
 * The leader begins a round for the reader's first question, and nobody confirms it. The reader dies, an entry that is
 * newer than the question is committed with the third node, and the reader asks its first question in its next life. It
 * must not get the answer to the old one, which its own first heartbeat confirms.
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
    this.#withholdEntry({ leader, reader, voter });
    return true;
  }

  /** The voter gets an entry and cannot acknowledge it; the reader, who could, is down. */
  #withholdEntry(cast: Cast): void {
    const { leader, reader, voter } = cast;
    const before = leader.running.core.last.index;
    reader.end(false);
    this.#network.block(voter.id, leader.id);
    const isAppended = (): boolean => voter.isUp && voter.running.core.last.index > before;
    this.#when(isAppended, patienceUs, () => {
      // From now on the voter hears no heartbeats, and so no rounds of reads.
      this.#network.block(leader.id, voter.id);
      reader.start();
      this.#when(
        () => this.#asks(cast),
        patienceUs,
        () => this.#askAndDie(cast, before + 1),
      );
    });
    this.#world.timeline.after(lengthUs, () => this.#mend(cast));
  }

  #asks({ leader, reader }: Cast): boolean {
    return reader.isUp && reader.running.replica.leader === leader.id && isAsked(reader);
  }

  /** The question arrives and no heartbeat that would confirm it; then the entry is committed. */
  #askAndDie({ leader, reader, voter }: Cast, entry: number): void {
    this.#network.block(leader.id, reader.id);
    this.#later(questionUs, () => {
      reader.end(false);
      this.#network.unblock(leader.id, reader.id);
      this.#network.unblock(voter.id, leader.id);
      const isCommitted = (): boolean => leader.isUp && leader.running.core.commit >= entry;
      this.#when(isCommitted, patienceUs, () => {
        this.#world.marks.met("reader restarted while the leader keeps its round");
        reader.start();
      });
    });
  }

  /** The voter hears the leader again, and the reader starts if it is down. */
  #mend({ leader, reader, voter }: Cast): void {
    for (const other of [reader, voter]) {
      this.#network.unblock(leader.id, other.id);
      this.#network.unblock(other.id, leader.id);
    }
    reader.start();
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
