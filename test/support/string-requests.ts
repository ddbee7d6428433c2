// Random requests of every string and key command, with options that are valid, and with some that are not.

import { type Dice, someLength, someValue } from "./state-random.ts";
import type { StringModel } from "./string-model.ts";

/** So many databases take part. */
export const databasesUsed = 3;

type Words = readonly string[];

export class StringRequests {
  readonly #dice: Dice;
  readonly #model: StringModel;
  #database = 0;

  constructor(dice: Dice, model: StringModel) {
    this.#dice = dice;
    this.#model = model;
  }

  /** One of a database that changes something, perhaps. */
  write(database: number): Words {
    this.#database = database;
    return this.#pick(this.#writes);
  }

  /** One that changes nothing. */
  read(database: number): Words {
    this.#database = database;
    return this.#pick(this.#reads);
  }

  readonly #writes: Readonly<Record<string, () => Words>> = {
    set: () => [this.#key, this.#value, ...this.#setOptions()],
    setnx: () => [this.#key, this.#value],
    setex: () => [this.#key, this.#time("ex"), this.#value],
    psetex: () => [this.#key, this.#time("px"), this.#value],
    getset: () => [this.#key, this.#value],
    getdel: () => [this.#key],
    getex: () => [this.#key, ...this.#oneOf([], ["PERSIST"], this.#timeOption())],
    append: () => [this.#key, this.#oneOf("", "7", "x", this.#value)],
    setrange: () => [this.#key, this.#offset(), this.#oneOf("", "7", "x", "yy", this.#value)],
    incr: () => [this.#key],
    decr: () => [this.#key],
    incrby: () => [this.#key, this.#increment()],
    decrby: () => [this.#key, this.#increment()],
    incrbyfloat: () => [this.#numberKey(), this.#oneOf("1", "-0.25", "2.5", "1000", "x")],
    mset: () => this.#pairs(),
    msetnx: () => this.#pairs(),
    del: () => this.#keys(),
    unlink: () => this.#keys(),
    rename: () => [this.#key, this.#key],
    renamenx: () => [this.#key, this.#key],
    copy: () => [this.#key, this.#key, ...this.#copyOptions()],
    move: () => [this.#key, this.#number],
    persist: () => [this.#key],
    expire: () => [this.#key, this.#time("ex"), ...this.#conditions()],
    pexpire: () => [this.#key, this.#time("px"), ...this.#conditions()],
    expireat: () => [this.#key, this.#time("exat"), ...this.#conditions()],
    pexpireat: () => [this.#key, this.#time("pxat"), ...this.#conditions()],
    flushdb: () => this.#oneOf([], ["async"], ["sync"]),
    flushall: () => this.#oneOf([], ["async"], ["sync"]),
    swapdb: () => [this.#number, this.#number],
  };

  readonly #reads: Readonly<Record<string, () => Words>> = {
    get: () => [this.#key],
    mget: () => this.#keys(),
    strlen: () => [this.#key],
    getrange: () => [this.#key, this.#place(), this.#place()],
    substr: () => [this.#key, this.#place(), this.#place()],
    lcs: () => [this.#shortKey(), this.#shortKey(), "LEN"],
    exists: () => this.#keys(),
    touch: () => this.#keys(),
    type: () => [this.#key],
    ttl: () => [this.#key],
    pttl: () => [this.#key],
    expiretime: () => [this.#key],
    pexpiretime: () => [this.#key],
    object: () => [this.#oneOf("encoding", "refcount"), this.#key],
    keys: () => [this.#oneOf("*", "k*", "?1", "*\xff*")],
    randomkey: () => [],
    scan: () => [
      this.#oneOf("0", "17", String(2 ** 33 + 1)),
      "COUNT",
      this.#oneOf("1", "5", "100"),
    ],
  };

  /** By their names. */
  get known(): string[] {
    return [...Object.keys(this.#writes), ...Object.keys(this.#reads)];
  }

  #pick(commands: Readonly<Record<string, () => Words>>): Words {
    let name = this.#dice.pick(Object.keys(commands));
    // Rare, or nothing would ever grow old.
    if (name.startsWith("flush") && this.#dice.below(name === "flushall" ? 12 : 3) > 0)
      name = "set";
    return [name, ...(commands[name]?.() ?? [])];
  }

  #oneOf<Item>(...items: readonly Item[]): Item {
    return this.#dice.pick(items);
  }

  /** Few enough to meet again; a long one, an empty one and one of odd bytes among them. */
  get #key(): string {
    const nth = this.#dice.below(14);
    const odd = ["", "\0\xff\r\n", "long".repeat(1_500)];
    return odd[nth] ?? `k${nth}`;
  }
  get #number(): string {
    return String(this.#dice.below(databasesUsed));
  }

  get #value(): string {
    const dice = this.#dice;
    if (dice.below(3) === 0) return this.#oneOf("", "0", "7", "-12", "9999", "10000", "2.5", "01");
    if (dice.below(8) === 0) return this.#oneOf(String(2n ** 63n - 1n), String(-(2n ** 63n)));
    // The first letter makes it no number of any kind.
    return `z${someValue(dice, dice.below(3) === 0 ? someLength(dice) - 1 : dice.below(60))}`;
  }

  #keys(): Words {
    return Array.from({ length: 1 + this.#dice.below(4) }, () => this.#key);
  }
  #pairs(): Words {
    return this.#keys().flatMap((key) => [key, this.#value]);
  }

  /** One whose value is short enough to be compared. */
  #shortKey(): string {
    const key = this.#key;
    return this.#model.lengthOf(key, this.#database) <= 100 ? key : "none";
  }
  #numberKey(): string {
    const key = this.#key;
    return this.#model.isPlainNumberOrNone(key, this.#database) ? key : "none";
  }

  #increment(): string {
    return this.#oneOf("1", "-7", "100", String(2n ** 63n - 1n), String(-(2n ** 63n)), "1x");
  }
  #offset(): string {
    return this.#oneOf("0", "1", "-1", "5", "x", String(someLength(this.#dice)));
  }
  #place(): string {
    const at = this.#dice.below(3) === 0 ? someLength(this.#dice) : this.#dice.below(8);
    return String(this.#dice.below(3) === 0 ? -at : at);
  }

  /** Around now, mostly soon; sometimes beyond all numbers, and sometimes over. */
  #time(unit: string): string {
    const dice = this.#dice;
    const nowMs = Number(this.#model.nowMs);
    if (dice.below(10) === 0) return this.#oneOf("0", "-1", "-100");
    switch (unit) {
      case "ex":
        return String(1 + dice.below(3));
      case "px":
        return String(1 + dice.below(80));
      case "exat":
        return String(Math.floor(nowMs / 1000) + dice.below(4));
      default:
        return dice.below(6) === 0 ? String(2n ** 62n) : String(nowMs - 5 + dice.below(80));
    }
  }
  #timeOption(): Words {
    const unit = this.#oneOf("ex", "px", "exat", "pxat");
    return [unit, this.#time(unit)];
  }

  #setOptions(): Words {
    const dice = this.#dice;
    if (dice.below(2) === 0) return [];
    const condition = this.#oneOf([], ["NX"], ["XX"], [], ["XX"]);
    const get = this.#oneOf([], ["GET"]);
    const time = this.#oneOf([], ["KEEPTTL"], this.#timeOption(), this.#timeOption());
    const wrong = dice.below(20) === 0 ? this.#oneOf(["NX", "XX"], ["KEEPTTL", "ex", "1"]) : [];
    return [...condition, ...get, ...time, ...wrong];
  }
  #copyOptions(): Words {
    return [...this.#oneOf([], ["DB", this.#number]), ...this.#oneOf([], ["REPLACE"])];
  }
  #conditions(): Words {
    const usual = this.#oneOf([], [], ["NX"], ["XX"], ["GT"], ["LT"]);
    return this.#dice.below(20) === 0
      ? this.#oneOf(["NX", "GT"], ["GT", "LT"], ["XX", "LT"])
      : usual;
  }
}
