// All memory of one state: the arena, the tables and blobs in it, and what falls due when.

import { assert } from "../../assert.ts";
import { Arena, type SlotOwner } from "./arena.ts";
import { Blob, type BlobWatcher } from "./blob.ts";
import { DueHeap, type DueRecords } from "./due-heap.ts";
import type { Hasher } from "./hasher.ts";
import { Records } from "./records.ts";
import { DenseTable, type TableMemory } from "./table.ts";

const tablesMax = 2 ** 24;

export class Memory implements SlotOwner, DueRecords, TableMemory {
  readonly hasher: Hasher;
  /** Who watches the blob of a new value. */
  watch: (blob: Blob) => BlobWatcher | null = () => null;
  readonly arena: Arena;
  readonly records: Records;
  /** Number 0 is the owner of the tails of blobs. */
  readonly #tables: (DenseTable | undefined)[] = [undefined];
  readonly #freeTables: number[] = [];
  readonly #blobs: (Blob | undefined)[] = [];
  readonly #freeBlobs: number[] = [];
  readonly #dropped: DenseTable[] = [];

  constructor(hasher: Hasher) {
    this.hasher = hasher;
    this.arena = new Arena(this);
    this.records = new Records(this.arena, hasher, (number) => this.#blob(number));
  }

  createDueHeap(): DueHeap {
    return new DueHeap(this);
  }

  /** `rank`: see DenseTable. `due`: where its records with an expiry stand. `owner`: whose table it is. */
  createTable(rank: number, due: DueHeap, owner: object | null = null): DenseTable {
    const number = this.#freeTables.pop() ?? this.#tables.length;
    assert(number < tablesMax, "a record has 24 bits for the number of its table");
    const table = new DenseTable(number, rank, due, this, owner);
    this.#tables[number] = table;
    return table;
  }

  /** In constant time: what the table holds is given back by `reclaim`. */
  drop(table: DenseTable): void {
    table.drop();
    this.#dropped.push(table);
  }

  /** Gives back about so many records of dropped tables. False: there are none left. */
  reclaim(records: number): boolean {
    for (let left = records; left > 0; ) {
      const table = this.#dropped.at(-1);
      if (table === undefined) return false;
      const before = table.size;
      table.reclaim(left);
      if (table.size === 0) {
        this.#dropped.pop();
        this.#tables[table.number] = undefined;
        this.#freeTables.push(table.number);
      }
      left -= 1 + before - table.size;
    }
    return this.#dropped.length > 0;
  }

  /** Records of dropped tables that are not given back yet. */
  get flushedKeys(): number {
    return this.#dropped.reduce((sum, { size }) => sum + size, 0);
  }

  /** The table of the record at an address. */
  tableOf(address: number): DenseTable {
    return this.#tables[this.records.table(address)] as DenseTable;
  }

  createBlob(): Blob {
    const number = this.#freeBlobs.pop() ?? this.#blobs.length;
    const blob = new Blob(number, this.arena);
    this.#blobs[number] = blob;
    return blob;
  }

  /** As `createBlob`, for a value: whoever keeps values on disk watches it. */
  createValueBlob(): Blob {
    const blob = this.createBlob();
    blob.watcher = this.watch(blob);
    return blob;
  }

  #blob(number: number): Blob {
    const blob = this.#blobs[number];
    assert(blob !== undefined, "a record names a blob that is there");
    return blob;
  }

  /** No record names it any more. */
  freeBlob(blob: Blob): void {
    blob.watcher?.freed();
    blob.isFreed = true;
    if (!blob.isHeld) this.#release(blob);
  }

  /** Whoever held a blob does not read it any more. */
  letGo(blob: Blob): void {
    blob.isHeld = false;
    if (blob.isFreed) this.#release(blob);
  }

  #release(blob: Blob): void {
    blob.release();
    this.#blobs[blob.number] = undefined;
    this.#freeBlobs.push(blob.number);
  }

  // --- For the arena and the due heap ----------------------------------------------------------

  moved(from: number, to: number): void {
    const owner = this.records.table(to);
    if (owner !== 0) (this.#tables[owner] as DenseTable).moved(from, to);
    else this.#blob(this.records.position(to)).moved(to);
  }

  placed(address: number, place: number): void {
    this.records.setDuePlace(address, place);
  }

  isBefore(a: number, b: number): boolean {
    const rankA = this.tableOf(a).rank;
    const rankB = this.tableOf(b).rank;
    return rankA === rankB ? this.records.position(a) < this.records.position(b) : rankA < rankB;
  }
}
