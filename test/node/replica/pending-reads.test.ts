// Reads between barrier and reply, with a barrier and a state whose every answer the test gives.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pendingReadBytesMax, smallReplyBytes } from "../../../src/constants.ts";
import { PendingReads } from "../../../src/node/replica/pending-reads.ts";
import { errors } from "../../../src/resp/errors.ts";
import type { Reply } from "../../../src/resp/reply.ts";
import { RequestDecoder } from "../../../src/resp/request-decoder.ts";
import { admittedLimits } from "../../../src/resp/request-limits.ts";
import type { UncutRequest } from "../../../src/resp/uncut-request.ts";
import type { SlicedReply } from "../../../src/state/commands/sliced.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { word } from "../../../src/state/parse/arguments.ts";
import { encodeRequest } from "../../support/raw-client.ts";

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
  /** Its output is full after so many replies each time. */
  fillsAt = Number.POSITIVE_INFINITY;

  reply(reply: Reply): void {
    this.replies.push(reply);
    if (this.replies.length % this.fillsAt === 0) this.isFull = true;
  }
}

/**
 * A read named "long..." takes four steps; one named "due..." meets a due key until a tick has come; one named "big..." is
 * of a long value.
 */
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

  takeCost(): number {
    return this.begun.at(-1)?.startsWith("big") === true ? 1_000 : 0;
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

  it("of a long value is followed by a look at the clock, and a quick one is not", () => {
    const node = new Node();
    node.ask(new Client(), "big1", "big2", "big3");
    node.confirm(1);
    const turns = [node.reads.run(), node.reads.run(), node.reads.run()];
    expect([turns, node.begun.length]).toEqual([[true, true, true], 3]);
    node.ask(new Client(), "quick1", "quick2", "quick3");
    node.confirm(2);
    expect([node.reads.run(), node.reads.run(), node.begun.length]).toEqual([false, false, 6]);
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

describe("a read of very many words", () => {
  const words = Array.from({ length: 3_500 }, (_, at) => `word ${at}`);

  /** As it comes from a client. */
  function uncut(): UncutRequest {
    const decoder = new RequestDecoder({ ...admittedLimits });
    decoder.push(Buffer.from(encodeRequest(words)));
    expect(decoder.next()).toBe(true);
    const request = decoder.uncut();
    decoder.push(Buffer.from("*1\r\n$5\r\nother\r\n"));
    expect([decoder.next(), decoder.words()]).toEqual([true, ["other"]]);
    return request;
  }

  it("has them cut over several turns, in which the state moves on, and then runs with all of them", () => {
    const node = new Node();
    const [client, other] = [new Client(), new Client()];
    let got: readonly string[] = [];
    const read = node.read.bind(node);
    node.read = (command_, database, args) => {
      if (args.length > 1) got = args;
      return read(command_, database, args);
    };
    node.reads.add(client, command as never, uncut());
    while (node.reads.flush());
    node.ask(other, "quick");
    node.confirm(2);
    for (let turn = 1; turn < 4; turn++) {
      expect([node.reads.run(), node.reads.isPaused, node.begun]).toEqual([true, false, []]);
    }
    node.settle();
    expect(got).toEqual(words);
    expect([client.replies, other.replies]).toEqual([["word 0"], ["quick"]]);
  });

  it("weighs as much when it ends as when it came", () => {
    const node = new Node();
    const client = new Client();
    for (let count = 0; !node.reads.isFull; count++) {
      node.reads.add(client, command as never, uncut());
      expect(count).toBeLessThan(5_000);
      if (count % 50 === 0)
        node.reads.add(client, command as never, ["x".repeat(pendingReadBytesMax / 16)]);
    }
    while (node.reads.flush());
    node.confirm(1);
    node.settle();
    node.ask(client, "x".repeat(pendingReadBytesMax - 100));
    expect(node.reads.isFull).toBe(false);
  });
});

describe("a session that does not read its replies", () => {
  it("has its reads wait until it does, and nobody waits with it", () => {
    const node = new Node();
    const [slow, other] = [new Client(), new Client()];
    node.ask(slow, "first");
    slow.isFull = true;
    node.ask(slow, "second", "third");
    node.ask(other, "quick");
    node.confirm(3);
    expect(node.settle()).toBe(1);
    expect([slow.replies, other.replies]).toEqual([[], ["quick"]]);
    expect(node.begun).toEqual(["quick"]);
    node.ask(slow, "fourth");
    node.confirm(4);
    node.settle();
    slow.isFull = false;
    node.settle();
    expect(slow.replies).toEqual(["first", "second", "third", "fourth"]);
  });

  it("gets one reply at a time when each of them fills its output", () => {
    const node = new Node();
    const slow = new Client();
    slow.fillsAt = 1;
    const names = Array.from({ length: 100 }, (_, at) => `read ${at}`);
    node.ask(slow, ...names);
    node.confirm(1);
    for (let read = 1; read <= 100; read++) {
      node.settle();
      expect(slow.replies).toEqual(names.slice(0, read));
      slow.isFull = false;
    }
    node.settle();
    expect(slow.replies).toEqual(names);
  });

  it("has them refused with its later ones when the node gives up on those", () => {
    const node = new Node();
    const slow = new Client();
    slow.isFull = true;
    node.ask(slow, "first");
    node.confirm(1);
    node.settle();
    node.ask(slow, "second");
    node.reads.giveUp();
    node.settle();
    const { clusterDown } = errors;
    expect(slow.replies).toEqual([clusterDown, clusterDown]);
    expect(node.begun).toEqual([]);
  });

  it("has them dropped when it goes, and their bytes with them", () => {
    const node = new Node();
    const slow = new Client();
    slow.isFull = true;
    node.ask(slow, "x".repeat(pendingReadBytesMax));
    node.confirm(1);
    node.settle();
    expect(node.reads.isFull).toBe(true);
    slow.isGone = true;
    node.settle();
    expect([node.reads.isFull, node.begun]).toEqual([false, []]);
  });
});

describe("while the replies of all sessions are too many", () => {
  const large = "x".repeat(smallReplyBytes);

  it("a read with a large reply runs again when there is room, its later ones behind it", () => {
    const node = new Node();
    const [client, other] = [new Client(), new Client()];
    client.isCrowded = other.isCrowded = true;
    node.ask(client, "small", large, "after");
    node.ask(other, "quick");
    node.confirm(2);
    node.settle();
    expect([client.replies, other.replies]).toEqual([["small"], ["quick"]]);
    expect(node.settle()).toBe(1);
    expect(node.begun).toEqual(["small", large, "quick"]);
    client.isCrowded = false;
    node.settle();
    expect(client.replies).toEqual(["small", large, "after"]);
    expect(node.begun).toEqual(["small", large, "quick", large, "after"]);
  });
});

/** Three clients of a node that fill up after one, two or three replies; the last one may go. */
class Crowd {
  readonly node = new Node();
  readonly clients = [1, 2, 3].map((fillsAt) => Object.assign(new Client(), { fillsAt }));
  readonly asked = this.clients.map((): string[] => []);
  reads = 0;

  readonly events: readonly ((who: number, number: number) => void)[] = [
    (who) => this.#ask(who, "quick"),
    (who) => this.#ask(who, "due"),
    (who) => this.#ask(who, "long"),
    (_, number) => this.confirm(this.node.tokens.length - number),
    (_, number) => this.confirm(this.node.tokens.length - number),
    (who) => this.#set(who, { isFull: false }),
    (who, number) => this.#set(who, { isCrowded: number === 0 }),
    (_, number) => number === 0 && this.node.reads.giveUp(),
    (who) => who === 2 && this.#set(who, { isGone: true }),
    () => this.node.reads.run(),
  ];

  confirm(token: number): void {
    this.node.ticked = this.node.tokens[token - 1]?.tick ?? false;
    this.node.confirm(token);
    this.node.settle();
    this.node.ticked = false;
  }

  /** Everybody reads, and the leader answers. */
  finish(): void {
    for (let round = 0; round < 2 * this.reads + 2; round++) {
      for (const who of this.clients.keys()) this.#set(who, { isFull: false, isCrowded: false });
      for (let token = 1; token <= this.node.tokens.length; token++) this.confirm(token);
      this.node.settle();
    }
  }

  #set(who: number, change: Partial<Client>): void {
    Object.assign(this.clients[who] as Client, change);
  }

  #ask(who: number, name: string): void {
    const client = this.clients[who] as Client;
    if (client.isGone) return;
    this.asked[who]?.push(`${name} ${++this.reads}`);
    this.node.ask(client, `${name} ${this.reads}`);
  }
}

it("whatever happens, each session's reads are answered once and in order", () => {
  const event = fc.tuple(fc.nat(9), fc.nat(2), fc.nat(3));
  fc.assert(
    fc.property(fc.array(event, { minLength: 20, maxLength: 80 }), (events) => {
      const crowd = new Crowd();
      for (const [event, who, number] of events) crowd.events[event]?.(who, number);
      crowd.finish();
      crowd.clients.forEach(({ replies, isGone }, who) => {
        const names = (crowd.asked[who] as string[]).slice(0, isGone ? replies.length : undefined);
        const isRefused = (at: number) => replies[at] === errors.clusterDown;
        expect(replies).toEqual(names.map((name, at) => (isRefused(at) ? replies[at] : name)));
      });
    }),
    { numRuns: 300 },
  );
});
