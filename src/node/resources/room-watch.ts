// Who has room for a write, of one resource: writes stop before a disk or a memory is full.

import { roomWordChecks, scarceBytes } from "../../constants.ts";
import type { Membership, NodeId } from "../../raft/core/types.ts";
import { plenty, type Room } from "./room.ts";

/** What a node has said, and in which check of this node. */
interface Word {
  readonly room: Room;
  readonly heardIn: number;
}

/**
 * Every node measures its own room and tells the others while there is little. Writes are refused, with a definite error
 * and before they enter the log, while so many voters lack room that no majority could store them. Before that a full
 * leader hands over to a voter that has room, and a full follower stops nobody.
 */
export class RoomWatch {
  readonly #self: NodeId;
  /** This node's own, as it is estimated now. */
  readonly #own: () => Room;
  readonly #others = new Map<NodeId, Word>();
  #checks = 0;

  constructor(self: NodeId, own: () => Room) {
    this.#self = self;
    this.#own = own;
  }

  /**
   * Called every second or so. A node says only once that it has room again, and that may be lost; while it has little it
   * repeats itself. So old words are forgotten.
   */
  check(): void {
    this.#checks += 1;
    for (const [node, { heardIn }] of this.#others) {
      if (heardIn < this.#checks - roomWordChecks) this.#others.delete(node);
    }
  }

  told(from: NodeId, room: Room): void {
    if (isScarce(room)) this.#others.set(from, { room, heardIn: this.#checks });
    else this.#others.delete(from);
  }

  /** Whatever it said last, it may have room by now. */
  disconnected(peer: NodeId): void {
    this.#others.delete(peer);
  }

  /** It takes nothing more that makes the state grow. */
  isLow(node: NodeId): boolean {
    return this.#roomOf(node).growth <= 0;
  }

  /** While all nodes have much room, no write is refused. */
  get isAnyScarce(): boolean {
    return this.#others.size > 0 || isScarce(this.#own());
  }

  /** `grows`: the write may make the state grow. */
  refuses({ members }: Membership, bytes: number, grows: boolean): boolean {
    const voters = members.filter(({ voter }) => voter);
    // Each of them may have as much under way, of which the others do not know yet.
    const needed = bytes * voters.length;
    const withRoom = voters.filter(({ id }) => {
      const { growth, any } = this.#roomOf(id);
      return (grows ? growth : any) > needed;
    }).length;
    return withRoom <= voters.length / 2;
  }

  #roomOf(node: NodeId): Room {
    return node === this.#self ? this.#own() : (this.#others.get(node)?.room ?? plenty);
  }
}

export const isScarce = ({ growth }: Room): boolean => growth < scarceBytes;
