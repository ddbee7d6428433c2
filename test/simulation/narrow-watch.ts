// Counts how often limits are reached: one that is never reached proves nothing about what happens then.

import type { MemberProgress, RaftCore } from "../../src/raft/core/core.ts";
import type { Message, NodeId } from "../../src/raft/core/types.ts";
import type { Running } from "./parts.ts";
import type { World } from "./world.ts";

interface Append {
  readonly last: number;
  readonly bytes: number;
}

export class NarrowWatch {
  readonly #world: World;
  /** Appends with entries that a leader has sent and that are not acknowledged, by leader and follower. */
  readonly #underWay = new Map<number, Map<number, Append[]>>();

  constructor(world: World) {
    this.#world = world;
  }

  ended(node: number): void {
    this.#underWay.delete(node);
  }

  after({ replica }: Running): void {
    const { marks, plan } = this.#world;
    if (replica.isFull) marks.met("pending writes or reads full");
    const { driver } = replica;
    const { uncommittedBytesMax } = plan.limits.replica;
    const isFull = driver.isLeader && driver.core.uncommittedBytes >= uncommittedBytesMax;
    if (isFull) marks.met("uncommitted entries full");
  }

  sending(node: number, core: RaftCore, messages: readonly Message[]): void {
    let progress: readonly MemberProgress[] | null = null;
    for (const message of messages) {
      if (message.type !== "appendEntries" || message.entries.length === 0) continue;
      progress ??= core.progress();
      const member = progress.find(({ id }) => id === message.to);
      const bytes = message.entries.reduce((sum, { data }) => sum + data.length, 0);
      const last = message.prev.index + message.entries.length;
      if (member !== undefined) this.#sent(node, member, { last, bytes });
    }
  }

  #sent(node: number, { id, match, state }: MemberProgress, append: Append): void {
    const { marks, plan } = this.#world;
    const underWay = this.#of(node, id);
    const kept = underWay.filter(({ last }) => last > match && state === "replicate");
    kept.push(append);
    underWay.splice(0, underWay.length, ...kept);
    const bytes = kept.reduce((sum, each) => sum + each.bytes, 0);
    const isFull = kept.length >= plan.inflightMessagesMax || bytes >= plan.limits.inflightBytesMax;
    if (isFull && state === "replicate") marks.met("append window full");
  }

  #of(node: number, follower: NodeId): Append[] {
    const followers = this.#underWay.get(node) ?? new Map<number, Append[]>();
    this.#underWay.set(node, followers);
    const appends = followers.get(follower) ?? [];
    followers.set(follower, appends);
    return appends;
  }
}
