// Faults that are aimed at leases: each tries to let another node lead while the old leader still trusts its lease.

import type { Chance } from "./chance.ts";
import type { Network } from "./network.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

const ms = 1_000;
const lookUs = 500;

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
    look(600);
  };

  /** One follower has long wanted to lead; another forgets by a restart whom it has promised patience. */
  readonly #restart = (chance: Chance, { leader, heir, voter }: Cast): void => {
    this.#network.block(leader.id, heir.id);
    this.#network.block(heir.id, leader.id);
    this.#later(chance.between(500 * ms, 1_200 * ms), () => {
      for (const other of this.#nodes) {
        if (other === leader) continue;
        this.#network.block(leader.id, other.id);
        this.#network.block(other.id, leader.id);
      }
      voter.end(false);
      this.#world.timeline.after(chance.between(1 * ms, 20 * ms), () => voter.start());
    });
    const others = this.#nodes.filter((node) => node !== leader);
    this.#endLater(1_800 * ms, others, leader);
  };

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
