// What clients ask: few keys at a time, many clients on each, every written value unique.
//
//   text:L:G    GET SET (PX, NX, XX, GET) APPEND DEL GETDEL     checked by the register model
//   number:L:G  GET SET INCRBY DEL GETDEL                       checked by the register model
//   list:L:G    APPEND GET MGET, created by MSET                checked as lists
//   count:N     INCR, one key per node                          checked by its sum
//
// A lane L goes on to a new key (generation G) after so many operations: what a checker must search grows
// faster than the number of operations on one key.

import type { Json } from "../../checking/history.ts";
import type { Random } from "../../differential/random.ts";
import { type Answer, outcomeOf } from "./recorder.ts";

const textLanes = 3;
const numberLanes = 2;
const listLanes = 2;
/** Operations on one key, before its lane goes on to the next. */
const registerOperationsMax = 250;
const appendsMax = 120;
/** Much shorter and much longer than a fail-over. */
const ttlMs: readonly [low: number, high: number] = [50, 1_500];

/** Keys of one lane that MSET creates together. */
interface ListLane {
  keys: readonly [string, string];
  generation: number;
  appends: number;
  isCreating: boolean;
  /** No key before the first MSET was acknowledged. */
  isReady: boolean;
}

export class Workload {
  readonly #random: Random;
  readonly #counts = new Map<string, number>();
  readonly #generations = new Map<string, number>();
  readonly #lists: ListLane[];
  readonly #keys = new Set<string>();
  #nextValue = 1;

  constructor(random: Random) {
    this.#random = random;
    this.#lists = Array.from({ length: listLanes }, (_, lane) => ({
      keys: listKeys(lane, 0),
      generation: 0,
      appends: 0,
      isCreating: false,
      isReady: false,
    }));
  }

  /** Every key that was ever written or read. */
  get keys(): readonly string[] {
    return [...this.#keys];
  }

  /** The next request of a client at this node. */
  next(node: number): readonly string[] {
    return this.#remember(this.#choose(node));
  }

  /** A read of a key that is in use. */
  nextRead(): readonly string[] {
    const dice = this.#random.next();
    if (dice < 0.6) return this.#remember(this.#readLists());
    const [kind, lanes] =
      dice < 0.8 ? (["text", textLanes] as const) : (["number", numberLanes] as const);
    return this.#remember(["GET", this.#register(kind, lanes)]);
  }

  #remember(words: readonly string[]): readonly string[] {
    for (const key of keysOf(words)) this.#keys.add(key);
    return words;
  }

  /** Tells what became of a request: lists may be appended to only after their creation is acknowledged. */
  learn(words: readonly string[], answer: Answer): void {
    if (words[0] !== "MSET") return;
    const lane = this.#lists[Number(words[1]?.split(":")[1])];
    if (lane === undefined) return;
    lane.isCreating = false;
    if (outcomeOf(answer) !== "ok") return; // These keys are never used again.
    lane.keys = [words[1] as string, words[3] as string];
    lane.appends = 0;
    lane.isReady = true;
  }

  #choose(node: number): readonly string[] {
    const dice = this.#random.next();
    if (dice < 0.1) return ["INCR", `count:${node}`];
    if (dice < 0.35) return this.#text();
    if (dice < 0.55) return this.#number();
    return this.#list();
  }

  #text(): readonly string[] {
    const key = this.#register("text", textLanes);
    const value = `v${this.#nextValue++}`;
    const dice = this.#random.next();
    if (dice < 0.4) return ["GET", key];
    if (dice < 0.55) return ["SET", key, value];
    if (dice < 0.67) return ["SET", key, value, "PX", String(this.#random.between(...ttlMs))];
    if (dice < 0.72) return ["SET", key, value, this.#random.pick(["NX", "XX"])];
    if (dice < 0.77) return ["SET", key, value, "GET"];
    if (dice < 0.89) return ["APPEND", key, value];
    return [this.#random.pick(["DEL", "GETDEL"]), key];
  }

  #number(): readonly string[] {
    const key = this.#register("number", numberLanes);
    const dice = this.#random.next();
    if (dice < 0.4) return ["GET", key];
    if (dice < 0.8) return ["INCRBY", key, String(this.#random.between(1, 9))];
    if (dice < 0.92) return ["SET", key, String(1_000 * this.#nextValue++)];
    return [this.#random.pick(["DEL", "GETDEL"]), key];
  }

  #list(): readonly string[] {
    const at = this.#random.between(0, listLanes - 1);
    const lane = this.#lists[at] as ListLane;
    const isUsedUp = !lane.isReady || lane.appends >= appendsMax;
    if (isUsedUp && !lane.isCreating) return this.#create(at, lane);
    if (lane.isReady && !isUsedUp && this.#random.chance(0.5)) {
      lane.appends++;
      return ["APPEND", this.#random.pick(lane.keys), `,${this.#nextValue++}`];
    }
    return this.#readLists();
  }

  #readLists(): readonly string[] {
    const { keys } = this.#random.pick(this.#lists);
    if (this.#random.chance(0.6)) return ["GET", this.#random.pick(keys)];
    return ["MGET", ...this.#lists.flatMap((lane) => lane.keys)];
  }

  #create(at: number, lane: ListLane): readonly string[] {
    lane.isCreating = true;
    const [first, second] = listKeys(at, ++lane.generation);
    return ["MSET", first, `,${this.#nextValue++}`, second, `,${this.#nextValue++}`];
  }

  #register(kind: string, lanes: number): string {
    const lane = `${kind}:${this.#random.between(0, lanes - 1)}`;
    const count = (this.#counts.get(lane) ?? 0) + 1;
    const generation = this.#generations.get(lane) ?? 0;
    const isLast = count >= registerOperationsMax;
    this.#counts.set(lane, isLast ? 0 : count);
    this.#generations.set(lane, isLast ? generation + 1 : generation);
    return `${lane}:${generation}`;
  }
}

function listKeys(lane: number, generation: number): readonly [string, string] {
  return [`list:${lane}:${generation}a`, `list:${lane}:${generation}b`];
}

/** The keys of a request of this workload. */
function keysOf([name, ...args]: readonly string[]): readonly string[] {
  if (name === "MGET") return args;
  if (name === "MSET") return args.filter((_, at) => at % 2 === 0);
  return args.slice(0, 1);
}

export type Family = "register" | "list" | "counter";

/** Which checker an operation belongs to, by its first key. */
export function familyOf(args: readonly Json[]): Family {
  const kind = String(args[0]).split(":")[0];
  if (kind === "list") return "list";
  return kind === "count" ? "counter" : "register";
}
