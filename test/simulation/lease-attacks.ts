// Faults that are aimed at leases: each tries to let another node lead while the old leader still trusts its lease.

import type { Chance } from "./chance.ts";
import type { Network } from "./network.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

const ms = 1_000;
const lookUs = 250;

/** From campaign to campaign, and how many of them. */
const campaignUs = 20 * ms;
const campaigns = 20;

/** A leader and two others of its cluster, all of them running. */
interface Cast {
  readonly leader: SimulatedNode;
  readonly heir: SimulatedNode;
  readonly voter: SimulatedNode;
}

export class LeaseAttacks {
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

  /** False: there is no leader with two others. */
  begin(chance: Chance): boolean {
    const living = chance.shuffled(this.#nodes.filter(({ isUp, isPaused }) => isUp && !isPaused));
    const leader = living.find(({ isLeader }) => isLeader);
    const [heir, voter] = living.filter((node) => node !== leader);
    if (leader === undefined || heir === undefined || voter === undefined) return false;
    const attack = chance.pick([
      this.#lateConfirmation,
      this.#pause,
      this.#lateAnswers,
      this.#handOver,
      this.#thereAndBack,
      this.#restart,
    ]);
    attack(chance, { leader, heir, voter });
    return true;
  }

  /** Cut off right after a round was asked for; one answer to it arrives when others lead already. */
  readonly #lateConfirmation = (chance: Chance, { leader, voter }: Cast): void => {
    const others = this.#nodes.filter((node) => node !== leader);
    for (const other of others) this.#network.block(other.id, leader.id);
    this.#later(chance.between(0, 30 * ms), () => {
      for (const other of others) this.#network.block(leader.id, other.id);
    });
    const late = chance.between(450 * ms, 1_100 * ms);
    this.#later(late, () => this.#network.unblock(voter.id, leader.id));
    this.#endLater(late + 400 * ms, others, leader);
  };

  /** The process stands still, with reads waiting, for shorter or longer than its lease. */
  readonly #pause = (chance: Chance, { leader }: Cast): void => {
    leader.pause();
    const others = this.#nodes.filter((node) => node !== leader);
    const isCutOff = chance.happens(0.5);
    if (isCutOff) for (const other of others) this.#network.block(other.id, leader.id);
    const length = chance.between(100 * ms, 1_300 * ms);
    this.#world.timeline.after(length, () => leader.resume());
    this.#endLater(length + 200 * ms, others, leader);
  };

  /** It hands over, and does not hear that the heir leads. */
  readonly #handOver = (chance: Chance, { leader, heir }: Cast): void => {
    const others = this.#nodes.filter((node) => node !== leader);
    leader.event(() => leader.running.replica.driver.transfer(heir.id));
    this.#later(chance.between(0, 15 * ms), () => {
      for (const other of others) this.#network.block(other.id, leader.id);
    });
    this.#endLater(600 * ms, others, leader);
  };

  /** It leads again before its lease of the first time is over. */
  readonly #thereAndBack = (chance: Chance, { leader, heir }: Cast): void => {
    leader.event(() => leader.running.replica.driver.transfer(heir.id));
    const wait = chance.between(0, 100 * ms);
    const look = (left: number): void => {
      if (left === 0) return;
      if (!heir.isUp || !heir.isLeader) this.#later(lookUs, () => look(left - 1));
      else {
        this.#later(wait, () => {
          if (heir.isUp) heir.event(() => heir.running.replica.driver.transfer(leader.id));
        });
      }
    };
    look(1_200);
  };

  /** The answers to its round are there, but the process stands still until others lead and have committed. */
  readonly #lateAnswers = (chance: Chance, { leader }: Cast): void => {
    const others = this.#nodes.filter((node) => node !== leader);
    const arrivedUs = chance.between(20 * ms, 200 * ms);
    const begin = (): void => {
      leader.pause();
      this.#later(arrivedUs, () => {
        for (const other of others) this.#network.block(other.id, leader.id);
        const isBehind = (): boolean => {
          const { commit } = leader.running.core;
          return others.some(
            (node) => node.isUp && node.isLeader && node.running.core.commit > commit,
          );
        };
        const goOn = (): void => leader.resume();
        this.#when(() => !leader.isUp || isBehind(), 1_500 * ms, goOn, goOn);
      });
      this.#endLater(arrivedUs + 2_000 * ms, others, leader);
    };
    // Seen waiting twice: then the round has left in the turn between.
    let seen = 0;
    const isAsking = (): boolean => {
      const waits = leader.isUp && [...leader.tenants].some(({ awaitsRead }) => awaitsRead);
      seen = waits && leader.isLeader && !leader.isPaused ? seen + 1 : 0;
      return seen === 2;
    };
    this.#when(isAsking, 1_000 * ms, begin);
  };

  /** One follower has long wanted to lead; the others forget by a restart whom they have promised patience. */
  readonly #restart = (chance: Chance, { leader, heir }: Cast): void => {
    const others = this.#nodes.filter((node) => node !== leader);
    this.#network.block(leader.id, heir.id);
    this.#network.block(heir.id, leader.id);
    this.#later(chance.between(650 * ms, 1_200 * ms), () => {
      for (const other of others) {
        this.#network.block(leader.id, other.id);
        this.#network.block(other.id, leader.id);
      }
      for (const voter of others) {
        if (voter === heir) continue;
        voter.end(false);
        this.#world.timeline.after(chance.between(1 * ms, 20 * ms), () => voter.start());
      }
      this.#campaign(heir, campaigns);
    });
    this.#endLater(1_800 * ms, others, leader);
  };

  /** Again and again, for as long as a lease can last. */
  #campaign(heir: SimulatedNode, left: number): void {
    if (left === 0) return;
    this.#later(campaignUs, () => {
      if (heir.isUp && heir.running.core.role !== "candidate" && !heir.isLeader) {
        heir.event(() => heir.running.replica.driver.campaign());
      }
      this.#campaign(heir, left - 1);
    });
  }

  /** Looks now and then, for so long; the second phase resumes whoever stands still. */
  #when(holds: () => boolean, us: number, act: () => void, otherwise: () => void = () => {}): void {
    if (this.#over) return;
    if (holds()) act();
    else if (us <= 0) otherwise();
    else this.#world.timeline.after(lookUs, () => this.#when(holds, us - lookUs, act, otherwise));
  }

  #endLater(us: number, others: readonly SimulatedNode[], leader: SimulatedNode): void {
    this.#world.timeline.after(us, () => {
      for (const other of others) {
        this.#network.unblock(other.id, leader.id);
        this.#network.unblock(leader.id, other.id);
      }
    });
  }

  #later(us: number, act: () => void): void {
    this.#world.timeline.after(us, () => {
      if (!this.#over) act();
    });
  }
}
