// Histories of all string and key commands: a plain model foretells every reply, and machines that were replaced from a
// checkpoint or a snapshot at any time go on as if nothing had happened.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CheckpointStore, writeCheckpoint } from "../../src/state/checkpoint/store.ts";
import { StagedCheckpoint } from "../../src/state/checkpoint/transfer.ts";
import { finish, isSliced } from "../../src/state/commands/sliced.ts";
import { commands } from "../../src/state/commands/table.ts";
import { Machine } from "../../src/state/execution/machine.ts";
import { SeededRandom } from "../../src/state/random.ts";
import { context, openStore, temporaryDirectory } from "../support/state-checkpoint.ts";
import { TestLog } from "../support/state-log.ts";
import { Dice } from "../support/state-random.ts";
import { type Plain, plain, StringModel } from "../support/string-model.ts";
import { databasesUsed, StringRequests } from "../support/string-requests.ts";

/** More of them: HISTORY_SEEDS=200 npx vitest run --project unit test/state/histories.test.ts */
const { HISTORY_SEEDS = "8", HISTORY_FIRST_SEED = "1" } = process.env;
const firstSeed = Number(HISTORY_FIRST_SEED);
const phases = 6;
const entriesPerPhase = 40;

const newMachine = (hashSeed: number) => new Machine({ commands, databases: 16, hashSeed });

/** A node: what it holds, and where its checkpoints lie. */
interface Node {
  machine: Machine;
  store: CheckpointStore;
}

/** Three nodes that apply one log, and the model beside them. */
class History {
  readonly #dice: Dice;
  readonly #log = new TestLog([]);
  readonly #model = new StringModel(16);
  readonly #requests: StringRequests;
  readonly #nodes: Node[] = [];
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.#dice = new Dice(seed);
    this.#requests = new StringRequests(this.#dice, this.#model);
  }

  async begin(): Promise<void> {
    for (let nth = 0; nth < 3; nth++) {
      const machine = newMachine(this.#seed + nth);
      this.#nodes.push({ machine, store: await openStore(await temporaryDirectory()) });
      this.#log.machines.push(machine);
    }
  }

  async phase(): Promise<void> {
    for (let entry = 0; entry < entriesPerPhase; entry++) this.#entry();
    this.#compare();
    const which = this.#dice.below(3);
    await this.#checkpoint(this.#node(which));
    // The node that has written it starts again, or another one gets it.
    if (this.#dice.below(2) === 0) await this.#restart(which);
    else await this.#send(which, (which + 1 + this.#dice.below(2)) % 3);
    this.#compare();
  }

  #node(which: number): Node {
    return this.#nodes[which] as Node;
  }

  /** A few writes, each of which answers as the model does. */
  readonly #entry = (): void => {
    const dice = this.#dice;
    this.#log.nowMs += dice.below(12) - 2;
    this.#model.advance(this.#log.nowMs);
    const rows = [];
    const expected: (Plain | undefined)[] = [];
    for (let left = 1 + dice.below(4); left > 0; left--) {
      const database = dice.below(databasesUsed);
      const words = this.#requests.write(database);
      rows.push({ words, database });
      expected.push(this.#model.run(words, database));
    }
    const replies = this.#log.run(...rows).map(plain);
    rows.forEach(({ words }, at) => {
      this.#expectReply(words, replies[at] as Plain, expected[at]);
    });
    const [digest, ...others] = this.#nodes.map(({ machine }) => machine.digest);
    for (const other of others) expect(other).toBe(digest);
    for (let left = dice.below(3); left > 0; left--) this.#read();
  };

  #read(): void {
    const database = this.#dice.below(databasesUsed);
    const words = this.#requests.read(database);
    const replies = this.#nodes.map(({ machine }) => read(machine, words, database, this.#seed));
    for (const reply of replies) this.#expectReply(words, reply, replies[0]);
    const expected = this.#model.run(words, database);
    if (expected !== undefined) this.#expectReply(words, replies[0] as Plain, expected);
  }

  #expectReply(words: readonly string[], reply: Plain, expected: Plain | undefined): void {
    const [told, wanted] = [JSON.stringify(reply), JSON.stringify(expected)];
    if (told === wanted) return;
    const request = words.map((each) => JSON.stringify(each.slice(0, 60))).join(" ");
    throw new Error(
      `seed ${this.#seed}: ${request}: ${told.slice(0, 200)}, not ${wanted?.slice(0, 200)}`,
    );
  }

  /** All nodes hold what the model holds, in one order. */
  #compare(): void {
    for (let database = 0; database < databasesUsed; database++) {
      const entries = this.#model.databases[database] ?? new Map();
      const expected = [...entries.keys()].map((key) => `$${key}`).sort();
      const orders = this.#nodes.map(({ machine }) => [
        read(machine, ["keys", "*"], database, 0),
        scanned(machine, database),
        ...Array.from({ length: 10 }, (_, seed) => read(machine, ["randomkey"], database, seed)),
      ]);
      for (const order of orders) expect(order).toEqual(orders[0]);
      const [keys, walk] = orders[0] as [string[], string[]];
      expect([...keys].sort()).toEqual(expected);
      expect([...walk].sort()).toEqual(expected);
      for (const [key, { value, at }] of entries) {
        for (const { machine } of this.#nodes) {
          this.#expectReply(["get", key], read(machine, ["get", key], database, 0), `$${value}`);
          const time = read(machine, ["pexpiretime", key], database, 0);
          this.#expectReply(["pexpiretime", key], time, `:${at ?? -1}`);
        }
      }
    }
    for (const { machine } of this.#nodes) machine.keyspace.check();
    const used = this.#nodes.map(({ machine }) => machine.keyspace.used);
    expect(new Set(used).size).toBe(1);
  }

  /** Written in slices, with entries in between. */
  async #checkpoint({ store, machine }: Node): Promise<void> {
    const sliceBytes = 1 + this.#dice.below(this.#dice.below(2) === 0 ? 500 : 200_000);
    const pause = async () => {
      if (this.#dice.below(4) === 0) this.#entry();
    };
    await writeCheckpoint(store, machine, { ...context, pause, sliceBytes });
  }

  async #restart(which: number): Promise<void> {
    const node = this.#node(which);
    const machine = newMachine(this.#dice.below(1_000));
    await node.store.load(machine);
    this.#replace(which, { machine, store: node.store });
  }

  async #send(from: number, to: number): Promise<void> {
    const view = await this.#node(from).store.view();
    if (view === null) throw new Error("there is a checkpoint");
    const directory = join(await temporaryDirectory(), "staging");
    const staged = await StagedCheckpoint.create(directory, view.metaBytes);
    const bytes = 1 + this.#dice.below(300_000);
    for (let part = await view.read(null, bytes); part !== null; ) {
      expect(await staged.append(part.chunk)).toBeNull();
      part = await view.read(part.last, bytes);
    }
    await view.close();
    const machine = newMachine(this.#dice.below(1_000));
    expect(await staged.finish(machine)).toBeNull();
    await staged.close();
    await this.#node(to).store.close();
    this.#replace(to, { machine, store: await openStore(directory) });
  }

  /** The new machine applies what it has missed. */
  #replace(which: number, node: Node): void {
    for (const entry of this.#log.entries.slice(node.machine.appliedIndex)) {
      node.machine.apply(entry, null);
    }
    this.#nodes[which] = node;
    this.#log.machines[which] = node.machine;
  }
}

/** By the clock of the log, with chance of its own. */
function read(machine: Machine, words: readonly string[], database: number, seed: number): Plain {
  const [name = "", second = ""] = words;
  const command = commands.get(name);
  const found = command?.kind === "container" ? command.subcommands.get(second) : command;
  if (found?.kind !== "read") throw new Error(`${name} is a read`);
  const random = new SeededRandom();
  random.seed(seed, 0);
  const answer = machine.read(found, database, words, 0, () => random.next());
  return plain(isSliced(answer) ? finish(answer) : answer);
}

/** All keys, as SCAN walks by them. */
function scanned(machine: Machine, database: number): Plain[] {
  const found: Plain[] = [];
  let cursor = "0";
  do {
    const [next, keys] = read(machine, ["scan", cursor, "COUNT", "3"], database, 0) as [
      string,
      Plain[],
    ];
    found.push(...keys);
    cursor = next.slice(1);
  } while (cursor !== "0");
  return found;
}

describe("a history of string and key commands", () => {
  it("is made of all of them", () => {
    const model = new StringModel(16);
    const requests = new StringRequests(new Dice(1), model);
    const all = [...commands.values()].filter(
      ({ group, kind }) => (group === "string" || group === "generic") && kind !== "session",
    );
    const names = all.map(({ name }) => name);
    expect([...requests.known].sort()).toEqual([...names, "flushall", "flushdb", "swapdb"].sort());
    const ofAnyOrder = ["keys", "randomkey", "scan"];
    expect([...model.known, ...ofAnyOrder].sort()).toEqual([...requests.known].sort());
  });

  it("answers as a plain model does, on machines that come back from disk or from others at any time", async () => {
    for (let seed = firstSeed; seed < firstSeed + Number(HISTORY_SEEDS); seed++) {
      const history = new History(seed);
      await history.begin();
      for (let phase = 0; phase < phases; phase++) await history.phase();
    }
  }, 600_000);
});
