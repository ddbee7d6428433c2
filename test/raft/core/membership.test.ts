// The bytes of a configuration: what is written can be read, and nothing else can.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  changeMembership,
  decodeMembership,
  encodeMembership,
} from "../../../src/raft/core/membership.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { membershipOf } from "../../support/raft-node.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const member = { id: 1, voter: true, address: "a" };

test("a membership comes back from its bytes as it was", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 7 });
  fc.assert(
    fc.property(ids, fc.boolean(), fc.string({ unit: "grapheme" }), (list, voter, address) => {
      const members = list.map((id) => ({ id: asNode(id), voter, address }));
      const membership = { members, nextId: asNode(1001) };
      expect(decodeMembership(encodeMembership(membership))).toEqual(membership);
    }),
  );
});

for (const [what, value] of [
  ["a list", []],
  ["null", null],
  ["no members", { nextId: 2 }],
  ["members that are no list", { members: {}, nextId: 2 }],
  ["an extra field", { members: [], nextId: 2, more: 1 }],
  ["a next id of 0", { members: [], nextId: 0 }],
  ["a fractional next id", { members: [], nextId: 1.5 }],
  ["an id that is still to be given away", { members: [member], nextId: 1 }],
  ["one id twice", { members: [member, { ...member, address: "b" }], nextId: 2 }],
  ["an id of 0", { members: [{ ...member, id: 0 }], nextId: 2 }],
  ["a voter that is neither true nor false", { members: [{ ...member, voter: 1 }], nextId: 2 }],
  ["an address that is no text", { members: [{ ...member, address: 7 }], nextId: 2 }],
  ["a member with an extra field", { members: [{ ...member, x: 1 }], nextId: 2 }],
  ["a member that is null", { members: [null], nextId: 2 }],
  [
    "more members than a cluster has",
    { members: Array.from({ length: 8 }, (_, at) => ({ ...member, id: at + 1 })), nextId: 9 },
  ],
  [
    "an address longer than all of it may be",
    { members: [{ ...member, address: "a".repeat(16 * 1024) }], nextId: 2 },
  ],
] as const) {
  test(`a membership with ${what} is not read`, () => {
    expect(decodeMembership(bytes(value))).toBeNull();
  });
}

test("an address that makes a membership too long to be read is refused in words", () => {
  const address = "a".repeat(16 * 1024);
  const refusal = "the addresses of the members are too long";
  expect(changeMembership(membershipOf(1), { type: "addLearner", address })).toBe(refusal);
});

test("bytes that are no JSON or no UTF-8 are not read", () => {
  expect(decodeMembership(new Uint8Array(0))).toBeNull();
  expect(decodeMembership(new TextEncoder().encode('{"members":['))).toBeNull();
  const broken = encodeMembership(membershipOf(1)).slice();
  broken[broken.indexOf(110, 12)] = 0xff;
  expect(decodeMembership(broken)).toBeNull();
});
