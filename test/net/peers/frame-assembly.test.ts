import { describe, expect, test } from "vitest";
import { FrameAssembly } from "../../../src/net/peers/frame-assembly.ts";
import { firstFlag, lastFlag, wholeFlags } from "../../../src/net/peers/piece.ts";

const limits = { frameBytesMax: 10, pieceBytesMax: 4 };
const append = 0x80;
const forward = 0x81;
const vote = 1;
const middle = 0;

/** What comes out of each piece: a body, a fault, or null. */
function outcome(pieces: readonly (readonly [kind: number, flags: number, body: string])[]) {
  const assembly = new FrameAssembly(limits);
  return pieces.map(([kind, flags, body]) => {
    const frame = assembly.add(kind, flags, Buffer.from(body));
    return Buffer.isBuffer(frame) ? frame.toString() : frame;
  });
}

describe("a frame", () => {
  test("in one piece is passed on as it came, without a copy", () => {
    const body = Buffer.from("body");
    expect(new FrameAssembly(limits).add(append, wholeFlags, body)).toBe(body);
  });

  test("in pieces is whole with its last one, and the next begins anew", () => {
    const frames = outcome([
      [append, firstFlag, "abcd"],
      [append, middle, "efgh"],
      [append, lastFlag, "ij"],
      [forward, firstFlag, "klmn"],
      [forward, lastFlag, "o"],
    ]);
    expect(frames).toEqual([null, null, "abcdefghij", null, "klmno"]);
  });

  test("that is urgent comes between the pieces of bulk", () => {
    const frames = outcome([
      [append, firstFlag, "abcd"],
      [vote, wholeFlags, "now"],
      [append, lastFlag, "e"],
    ]);
    expect(frames).toEqual([null, "now", "abcde"]);
  });

  test("holds what has arrived of it, and nothing when it is whole", () => {
    const assembly = new FrameAssembly(limits);
    assembly.add(append, firstFlag, Buffer.from("abcd"));
    expect(assembly.heldBytes).toBe(4);
    assembly.add(append, lastFlag, Buffer.from("e"));
    expect(assembly.heldBytes).toBe(0);
  });
});

describe("is refused:", () => {
  const begun = [append, firstFlag, "abcd"] as const;
  test.each([
    ["a last piece without a first", [[append, lastFlag, "a"]], "a piece of no frame"],
    ["a middle piece without a first", [[append, middle, "abcd"]], "a piece of no frame"],
    ["a second first piece", [begun, begun], "a frame that begins inside another"],
    [
      "a whole bulk frame inside another",
      [begun, [forward, wholeFlags, "x"]],
      "a frame that begins inside another",
    ],
    ["a piece of another kind", [begun, [forward, lastFlag, "x"]], "a piece of no frame"],
    [
      "a frame beyond the largest",
      [begun, [append, middle, "efgh"], [append, lastFlag, "ijk"]],
      "a frame above the limit",
    ],
    ["a first piece that is not full", [[append, firstFlag, "abc"]], "a piece that is too short"],
    ["an empty middle piece", [begun, [append, middle, ""]], "a piece that is too short"],
    ["half an urgent frame", [[vote, firstFlag, "abcd"]], "an urgent frame in pieces"],
    ["a flag that does not exist", [[append, 4, "abcd"]], "flags that mean nothing"],
  ] as const)("%s", (_name, pieces, fault) => {
    expect(outcome(pieces).at(-1)).toBe(fault);
  });

  test("but not a frame of the largest size", () => {
    const frames = outcome([begun, [append, middle, "efgh"], [append, lastFlag, "ij"]]);
    expect(frames.at(-1)).toBe("abcdefghij");
  });
});
