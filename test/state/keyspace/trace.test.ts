// The digest by which nodes find out that one of them applied an entry differently.

import { describe, expect, it } from "vitest";
import { ErrorReply, nullArray, ok } from "../../../src/resp/reply.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { Machine } from "../../../src/state/execution/machine.ts";
import { BatchBuilder, encodeProposal } from "../../../src/state/execution/proposal.ts";
import { replyWord, traced } from "../../../src/state/keyspace/trace.ts";
import { encodeRequest } from "../../support/raw-client.ts";

type Step = readonly string[];

function machineAfter(steps: readonly Step[], timeMs = 1_000): Machine {
  const machine = new Machine({ commands, hashSeed: Math.floor(timeMs) });
  steps.forEach((words, at) => {
    const builder = new BatchBuilder();
    const bytes = Buffer.from(encodeRequest([...words]), "latin1");
    builder.add(0, 2, 1, bytes, 0, bytes.length);
    const numbers = { origin: 1, incarnation: 1, firstNumber: at + 1, count: 1 };
    const data = encodeProposal({ timeMs, seed: 1, ...numbers }, builder.take());
    machine.apply({ index: at + 1, data }, null);
  });
  return machine;
}

const start: readonly Step[] = [
  ["SET", "a", "1"],
  ["SET", "b", "x"],
];

describe("the digest of a machine", () => {
  it("is equal after equal entries, whatever the hash seed", () => {
    expect(machineAfter(start, 1_000).digest).toBe(machineAfter(start, 1_000).digest);
  });

  it.each<[string, Step, Step]>([
    ["a reply", ["INCR", "a"], ["INCRBY", "a", "2"]],
    ["the key that changed", ["SET", "a", "2"], ["SET", "b", "2"]],
    ["the length of a value", ["SET", "a", "22"], ["SET", "a", "2"]],
    ["an expiry", ["PEXPIREAT", "a", "5000"], ["PEXPIREAT", "a", "6000"]],
    ["a removal", ["DEL", "a"], ["EXPIRE", "nobody", "1"]],
    ["a flush", ["FLUSHDB"], ["SWAPDB", "0", "0"]],
  ])("differs by %s", (_what, one, other) => {
    expect(machineAfter([...start, one]).digest).not.toBe(machineAfter([...start, other]).digest);
  });

  it("depends on the order of what happened", () => {
    expect(traced(traced(0, 1), 2)).not.toBe(traced(traced(0, 2), 1));
  });
});

it("every kind of reply makes a word of 32 bits", () => {
  const replies = [0, -1, 2 ** 40, 2n ** 63n - 1n, "", "abc", null, ok, [1, 2], nullArray];
  const words = [...replies, new ErrorReply("ERR x")].map((reply) => replyWord(reply));
  for (const word of words) expect(word | 0).toBe(word);
  expect(replyWord("abc")).not.toBe(replyWord("abd"));
});
