import { expect, it } from "vitest";
import { own } from "../../../src/state/keyspace/own-bytes.ts";

it("own bytes are the same bytes, of any length and value", () => {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  const large = all.repeat(1_000);
  for (const length of [0, 1, 12, 13, 255, 65_535, 65_536, 65_537, 200_000]) {
    const cut = large.slice(7, 7 + length);
    expect(own(cut) === cut).toBe(true);
  }
  expect(own(`${all}${large}`) === all + large).toBe(true);
});
