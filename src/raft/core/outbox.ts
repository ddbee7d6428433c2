// What leaves the core: work that may be done at once, and work that waits for the disk.

import { assert } from "../../assert.ts";
import type { Ready, ReadyRead, Save } from "./core.ts";
import type { RaftLog } from "./log.ts";
import type { HardState, MessageOf, NodeId, PeerMessage } from "./types.ts";

/**
 * Messages that promise something (votes, requests for votes, acknowledgements) leave only when everything that they
 * may depend on is saved, so none of them ever overtakes its save (§5.1, thesis 10.2.1).
 */
export class Outbox {
  #messages: PeerMessage[] = [];
  #promises: PeerMessage[] = [];
  #snapshots: NodeId[] = [];
  #reads: ReadyRead[] = [];
  #readsLost: number[] = [];
  #saving: Save | null = null;
  #sequence = 0;
  #savedHardState: HardState;

  constructor(savedHardState: HardState) {
    this.#savedHardState = savedHardState;
  }

  send(message: PeerMessage): void {
    this.#messages.push(message);
  }

  sendWhenSaved(message: PeerMessage): void {
    this.#promises.push(message);
  }

  /** Of several acknowledgements that leave together, the highest replaces the others. */
  acknowledge(reply: MessageOf<"appendReply">): void {
    const before = this.#promises.at(-1);
    if (before?.type !== "appendReply" || before.to !== reply.to) this.#promises.push(reply);
    else if (before.index < reply.index) this.#promises[this.#promises.length - 1] = reply;
  }

  /** A new term has begun: promises of the old one are of no use to anybody. */
  dropPromises(): void {
    this.#promises = [];
  }

  needSnapshot(member: NodeId): void {
    this.#snapshots.push(member);
  }

  /** A node that no longer leads sends no snapshots. */
  dropSnapshots(): void {
    this.#snapshots = [];
  }

  confirmReads(reads: readonly ReadyRead[]): void {
    for (const read of reads) this.#reads.push(read);
  }

  loseReads(ids: readonly number[]): void {
    for (const id of ids) this.#readsLost.push(id);
  }

  get isSaving(): boolean {
    return this.#saving !== null;
  }

  /** Whether this very term and vote are on disk. */
  isSaved(hardState: HardState): boolean {
    const saved = this.#savedHardState;
    return saved.term === hardState.term && saved.votedFor === hardState.votedFor;
  }

  take(log: RaftLog, hardState: HardState, committedBytesMax: number): Ready | null {
    const save = this.#startSave(log, hardState);
    if (save === null && this.#saving === null) this.#releasePromises();
    const committed = log.takeCommitted(committedBytesMax);
    const messages = this.#messages;
    const snapshots = this.#snapshots;
    const reads = this.#reads;
    const readsLost = this.#readsLost;
    const asked = snapshots.length + reads.length + readsLost.length;
    if (save === null && messages.length + committed.length + asked === 0) return null;
    this.#messages = [];
    this.#snapshots = [];
    this.#reads = [];
    this.#readsLost = [];
    return { save, messages, snapshots, committed, reads, readsLost };
  }

  finishSave(save: Save): void {
    assert(this.#saving === save, `save ${save.sequence} is the one in flight`);
    this.#saving = null;
    if (save.hardState !== null) this.#savedHardState = save.hardState;
  }

  #startSave(log: RaftLog, hardState: HardState): Save | null {
    if (this.#saving !== null) return null;
    const sameHardState = this.isSaved(hardState);
    if (sameHardState && !log.hasUnsaved) return null;
    this.#sequence += 1;
    const content = log.startSave();
    // Entries behind a snapshot wait for the next save, and so does every promise that may depend on them.
    const messages = log.hasUnsaved ? [] : this.#promises;
    if (!log.hasUnsaved) this.#promises = [];
    this.#saving = {
      sequence: this.#sequence,
      hardState: sameHardState ? null : hardState,
      ...content,
      messages,
    };
    return this.#saving;
  }

  #releasePromises(): void {
    if (this.#promises.length === 0) return;
    this.#messages =
      this.#messages.length === 0 ? this.#promises : [...this.#messages, ...this.#promises];
    this.#promises = [];
  }
}
