import { describe, expect, it } from "vitest";
import { digestsKept, digestEveryEntries as every } from "../../../src/constants.ts";
import { DivergenceCheck } from "../../../src/node/replica/divergence.ts";
import { asNode } from "../../../src/raft/core/types.ts";

const self = asNode(1);
const second = asNode(2);
const third = asNode(3);

function check(count: number) {
  const voters = new Set([self, second, third].slice(0, count));
  const told: [number, number][] = [];
  const warnings: string[] = [];
  const divergence = new DivergenceCheck(self, {
    tell: (index, digest) => told.push([index, digest]),
    voters: () => voters,
    warn: (line) => warnings.push(line),
  });
  return { divergence, told, warnings, voters };
}

describe("digests of the state", () => {
  it("are told at every so many entries, and only then", () => {
    const { divergence, told } = check(3);
    for (let index = 1; index <= 2 * every; index++)
      divergence.applied(index, { digest: index * 7 });
    expect(told).toEqual([
      [every, every * 7],
      [2 * every, 2 * every * 7],
    ]);
  });

  it("that are equal say nothing, whoever is first", () => {
    const { divergence, warnings } = check(3);
    divergence.told(second, every, 5);
    divergence.applied(every, { digest: 5 });
    divergence.told(third, every, 5);
    expect(warnings).toEqual([]);
  });

  it("of one other node that differ are only a warning while this node is in the majority", () => {
    const { divergence, warnings } = check(3);
    divergence.applied(every, { digest: 5 });
    divergence.told(second, every, 5);
    divergence.told(third, every, 6);
    expect(warnings).toEqual([`after entry ${every} node 3 has another state`]);
  });

  it("of a majority that differ stop this node", () => {
    const { divergence } = check(3);
    divergence.applied(every, { digest: 5 });
    divergence.told(second, every, 6);
    expect(() => divergence.told(third, every, 6)).toThrow(/differs from that of a majority/);
  });

  it("of a majority that came first stop this node when it gets there", () => {
    const { divergence } = check(3);
    divergence.told(second, every, 6);
    divergence.told(third, every, 6);
    expect(() => divergence.applied(every, { digest: 5 })).toThrow(
      /differs from that of a majority/,
    );
  });

  it("that leave no majority stop every node: two that differ, or three of three kinds", () => {
    const two = check(2).divergence;
    two.applied(every, { digest: 5 });
    expect(() => two.told(second, every, 6)).toThrow(/no majority agrees/);
    const three = check(3).divergence;
    three.applied(every, { digest: 5 });
    three.told(second, every, 6);
    expect(() => three.told(third, every, 7)).toThrow(/no majority agrees/);
  });

  it("of learners count for nothing: two of them cannot outvote a voter", () => {
    const { divergence, warnings } = check(3);
    divergence.applied(every, { digest: 5 });
    for (const learner of [4, 5, 6]) divergence.told(asNode(learner), every, 6);
    divergence.told(second, every, 5);
    expect(warnings).toEqual([]);
  });

  it("of a majority of voters stop a learner that differs", () => {
    const { divergence, voters } = check(3);
    voters.delete(self);
    divergence.applied(every, { digest: 5 });
    divergence.told(second, every, 6);
    expect(() => divergence.told(third, every, 6)).toThrow(/differs from that of a majority/);
  });

  it("of a member that has left are forgotten, also when it comes back", () => {
    const { divergence, warnings, voters } = check(3);
    divergence.told(second, every, 6);
    divergence.told(third, every, 6);
    voters.delete(third);
    divergence.applied(2 * every, { digest: 1 });
    divergence.told(second, 2 * every, 1);
    voters.add(third);
    divergence.applied(every, { digest: 5 });
    expect(warnings).toEqual([`after entry ${every} node 2 has another state`]);
  });

  it("are compared at equal entries only, and forgotten after a while", () => {
    const { divergence, warnings } = check(3);
    divergence.told(second, every, 6);
    divergence.applied(2 * every, { digest: 5 });
    for (let at = 3; at < 3 + digestsKept; at++) divergence.applied(at * every, { digest: at });
    divergence.told(second, 2 * every, 6);
    expect(warnings).toEqual([]);
  });
});
