// Reads between barrier and reply, with a barrier and a state whose every answer the test gives.

import { describe, expect, it } from "vitest";
import { pendingReadBytesMax } from "../../../src/constants.ts";
import { PendingReads } from "../../../src/node/replica/pending-reads.ts";
import { errors } from "../../../src/resp/errors.ts";
import type { Reply } from "../../../src/resp/reply.ts";
import type { SlicedReply } from "../../../src/state/commands/sliced.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { word } from "../../../src/state/parse/arguments.ts";

const command = commands.get("keys");
if (command?.kind !== "read") throw new Error("KEYS is a read");

/** One client; its reads are named by one word, and so are their answers. */
class Client {
  readonly id = 1;
  readonly database = 0;
  readonly protocol = 2;
  readonly replies: Reply[] = [];
  isGone = false;
  isFull = false;
  isCrowded = false;

  reply(reply: Reply): void {
    this.replies.push(reply);
  }
}

/** A read named "long..." takes four steps; one named "due..." meets a due key until a tick has come. */
class Node {
  appliedIndex = 0;
  metDue = false;
  /** Reads that were begun, in order, and paused reads that were ended without an answer. */
  readonly begun: string[] = [];
  readonly abandoned: string[] = [];
  readonly tokens: { readonly token: number; readonly tick: boolean }[] = [];
  readonly forgotten: number[] = [];
  ticked = false;
  #nowMs = 0;
  readonly reads = new PendingReads(
    this,
    {
      request: (tick) => {
        this.tokens.push({ token: this.tokens.length + 1, tick });
        return this.tokens.length;
      },
      forget: (token) => this.forgotten.push(token),
    },
    // Every look at the clock finds a slice over.
    () => (this.#nowMs += 1_000),
  );

  read(_command: unknown, _database: number, args: readonly string[]): Reply | SlicedReply {
    const name = word(args, 0);
    this.begun.push(name);
    this.metDue = name.startsWith("due") && !this.ticked;
    return name.startsWith("long") ? this.#long(name) : name;
  }

  *#long(name: string): SlicedReply {
    let isWhole = false;
    try {
      for (let step = 0; step < 3; step++) yield;
      isWhole = true;
      return name;
    } finally {
      if (!isWhole) this.abandoned.push(name);
    }
  }

  /** One turn in which a client asks for these. */
  ask(client: Client, ...names: readonly string[]): void {
    for (const name of names) this.reads.add(client, command as never, [name]);
    while (this.reads.flush());
  }

  confirm(token: number, index = 0): void {
    this.reads.confirmed(token, index, 0);
  }

  /** Turns until nothing is left to do; how many. */
  settle(): number {
    for (let turns = 1; ; turns++) if (!this.reads.run()) return turns;
  }
}

describe("a long read", () => {
  it("takes as many turns as it has steps, and nothing else is read meanwhile", () => {
    const node = new Node();
    const [one, two] = [new Client(), new Client()];
    node.ask(one, "long");
    node.ask(two, "quick");
    node.confirm(1);
    node.confirm(2);
    for (let turn = 1; turn <= 3; turn++) {
      expect(node.reads.run()).toBe(true);
      expect(node.reads.isPaused).toBe(true);
      expect(node.begun).toEqual(["long"]);
    }
    expect(node.reads.run()).toBe(true);
    expect([node.reads.isPaused, one.replies, two.replies]).toEqual([false, ["long"], []]);
    expect(node.reads.run()).toBe(false);
    expect(two.replies).toEqual(["quick"]);
  });

  it("lets entries in before the next one begins", () => {
    const node = new Node();
    node.ask(new Client(), "long1", "long2");
    node.confirm(1);
    const busy = Array.from({ length: 8 }, () => node.reads.run() && node.reads.isPaused);
    expect(busy).toEqual([true, true, true, false, true, true, true, false]);
  });

  it("ends without an answer when its client is gone, and the next one runs", () => {
    const node = new Node();
    const [gone, other] = [new Client(), new Client()];
    node.ask(gone, "long", "never");
    node.ask(other, "quick");
    node.confirm(2);
    node.reads.run();
    gone.isGone = true;
    node.settle();
    expect(node.reads.isPaused).toBe(false);
    expect(node.abandoned).toEqual(["long"]);
    expect(node.begun).toEqual(["long", "quick"]);
    expect([gone.replies, other.replies]).toEqual([[], ["quick"]]);
  });

  it("goes on when the node gives up, and its session's later reads are refused after it", () => {
    const node = new Node();
    const client = new Client();
    node.ask(client, "long", "same batch");
    node.ask(client, "confirmed");
    node.confirm(2);
    node.ask(client, "asked");
    node.reads.add(client, command as never, ["collected"]);
    node.reads.run();
    node.reads.giveUp();
    node.settle();
    const { clusterDown } = errors;
    expect(client.replies).toEqual(["long", "same batch", clusterDown, clusterDown, clusterDown]);
    expect(node.forgotten).toEqual([1, 3]);
  });
});

describe("a session's replies keep the order of its reads", () => {
  it("when one of them waits for a tick and later ones are confirmed before that", () => {
    const node = new Node();
    const [client, other] = [new Client(), new Client()];
    node.ask(client, "first", "due", "third");
    node.confirm(1);
    node.settle();
    expect(node.tokens.at(-1)).toEqual({ token: 2, tick: true });
    node.ask(client, "fourth");
    node.ask(other, "quick");
    node.confirm(4);
    node.settle();
    expect([client.replies, other.replies]).toEqual([["first"], ["quick"]]);
    node.ticked = true;
    node.confirm(2);
    node.settle();
    expect(client.replies).toEqual(["first", "due", "third", "fourth"]);
  });

  it("when a later barrier is answered and an earlier one is not", () => {
    const node = new Node();
    const client = new Client();
    node.ask(client, "first");
    node.ask(client, "second");
    node.confirm(2);
    node.settle();
    expect(client.replies).toEqual(["first", "second"]);
    expect(node.forgotten).toEqual([1]);
    node.confirm(1);
    expect(node.settle()).toBe(1);
  });

  it("when the node gives up while one of them waits for a tick", () => {
    const node = new Node();
    const client = new Client();
    node.ask(client, "first", "due", "third");
    node.confirm(1);
    node.settle();
    node.ask(client, "fourth");
    node.confirm(3, 7); // Not applied that far yet.
    node.settle();
    node.reads.giveUp();
    node.settle();
    const { clusterDown } = errors;
    expect(client.replies).toEqual(["first", clusterDown, clusterDown, clusterDown]);
    expect(node.begun).toEqual(["first", "due"]);
  });

  it("when a long read meets a key that is due", () => {
    const node = new Node();
    const client = new Client();
    node.ask(client, "long due", "second");
    node.confirm(1);
    node.metDue = false;
    const read = node.read.bind(node);
    node.read = (_command, _database, args) => {
      const answer = read(_command, _database, args);
      node.metDue = word(args, 0) === "long due" && !node.ticked;
      return answer;
    };
    node.settle();
    expect(node.abandoned).toEqual(["long due"]);
    expect(client.replies).toEqual([]);
    node.ticked = true;
    node.confirm(2);
    node.settle();
    expect(client.replies).toEqual(["long due", "second"]);
  });
});

it("too many bytes of waiting reads make the node full until they are answered", () => {
  const node = new Node();
  const client = new Client();
  const half = "x".repeat(pendingReadBytesMax / 2);
  node.ask(client, half);
  expect(node.reads.isFull).toBe(false);
  node.ask(client, half);
  expect(node.reads.isFull).toBe(true);
  node.confirm(2);
  node.settle();
  expect(node.reads.isFull).toBe(false);
});
