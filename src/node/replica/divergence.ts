// Nodes that applied the same entries must be equal: they compare digests, and one that differs stops.

import { assert } from "../../assert.ts";
import { digestEveryEntries, digestsKept } from "../../constants.ts";
import { majority } from "../../raft/core/quorum.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { decodeDigest } from "../frames.ts";

export interface DivergencePorts {
  /** Tells every other node. */
  tell(index: number, digest: number): void;
  /** Of the configuration in force; this node need not be among them. */
  voters(): ReadonlySet<NodeId>;
  /** Another node differs from the majority that this one is part of. */
  warn(line: string): void;
}

/**
 * Digests of the state by applied index, at every `digestEveryEntries`th entry; the last few of each voter, and of
 * this node. What others say counts only while they are voters, for only they make a majority.
 * Invariant: this node goes on only while no majority says otherwise; equal logs with unequal
 * states are our bug, so an assertion ends the process.
 */
export class DivergenceCheck {
  readonly #self: NodeId;
  readonly #ports: DivergencePorts;
  readonly #digests = new Map<NodeId, Map<number, number>>();

  constructor(self: NodeId, ports: DivergencePorts) {
    this.#self = self;
    this.#ports = ports;
  }

  /** After every applied entry; the digest is made only when it is due. */
  applied(index: number, state: { readonly digest: number }): void {
    if (index % digestEveryEntries !== 0) return;
    const { digest } = state;
    this.#keep(this.#self, index, digest);
    this.#ports.tell(index, digest);
    this.#compare(index);
  }

  /** A frame of `frameKind.digest`. */
  frame(from: NodeId, body: Buffer): void {
    const told = decodeDigest(body);
    if (told !== null) this.told(from, told.index, told.digest);
  }

  told(from: NodeId, index: number, digest: number): void {
    if (!this.#ports.voters().has(from)) return;
    this.#keep(from, index, digest);
    this.#compare(index);
  }

  /** The node's state was replaced, so its earlier digests are of no use. */
  forget(node: NodeId): void {
    this.#digests.delete(node);
  }

  #keep(node: NodeId, index: number, digest: number): void {
    let kept = this.#digests.get(node);
    if (kept === undefined) {
      kept = new Map();
      this.#digests.set(node, kept);
    }
    kept.set(index, digest);
    const [oldest] = kept.keys();
    if (kept.size > digestsKept && oldest !== undefined) kept.delete(oldest);
  }

  #compare(index: number): void {
    const own = this.#digests.get(this.#self)?.get(index);
    if (own === undefined) return;
    const voters = this.#ports.voters();
    this.#forgetAllBut(voters);
    const voices = this.#voices(index, voters);
    if (voices.size === 0) return;
    const needed = majority(voters.size);
    let heard = 0;
    for (const [digest, nodes] of voices) {
      heard += nodes.length;
      if (digest === own) continue;
      assert(
        nodes.length < needed,
        `after entry ${index} the state of node ${this.#self} differs from that of a majority`,
      );
      this.#ports.warn(`after entry ${index} node ${nodes.join(", ")} has another state`);
    }
    const agreeing = voices.get(own)?.length ?? 0;
    assert(
      agreeing >= needed || heard < voters.size,
      `after entry ${index} the states of the nodes differ, and no majority agrees`,
    );
  }

  /** Drops the digests of members that have left or no longer vote. */
  #forgetAllBut(voters: ReadonlySet<NodeId>): void {
    for (const node of this.#digests.keys()) {
      if (node !== this.#self && !voters.has(node)) this.#digests.delete(node);
    }
  }

  /** Which voters have which state after the entry. */
  #voices(index: number, voters: ReadonlySet<NodeId>): ReadonlyMap<number, readonly NodeId[]> {
    const voices = new Map<number, NodeId[]>();
    for (const [node, digests] of this.#digests) {
      const digest = digests.get(index);
      if (digest === undefined || !voters.has(node)) continue;
      const agreeing = voices.get(digest);
      if (agreeing === undefined) voices.set(digest, [node]);
      else agreeing.push(node);
    }
    return voices;
  }
}
