import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patternBytesMax } from "../../../src/constants.ts";
import { matchesGlob } from "../../../src/state/parse/glob.ts";
import { type Oracle, startOracle } from "../../support/oracle.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Dice } from "../../support/state-random.ts";

describe("a glob pattern", () => {
  it("knows stars, question marks, classes, ranges and escapes", () => {
    const cases: [pattern: string, fits: string[], fitsNot: string[]][] = [
      ["*", ["", "a", "abc"], []],
      ["", [""], ["a"]],
      ["h?llo", ["hello", "h\xffllo"], ["hllo", "heello"]],
      ["h*llo", ["hllo", "heeeello"], ["hell", "xhllo"]],
      ["h[ae]llo", ["hallo", "hello"], ["hillo", "h[ae]llo"]],
      ["h[^e]llo", ["hallo"], ["hello", "hllo"]],
      ["h[a-b]llo", ["hallo", "hbllo"], ["hcllo", "h-llo"]],
      ["h[b-a]llo", ["hallo", "hbllo"], ["hcllo"]],
      ["h\\*llo", ["h*llo"], ["hello"]],
      ["[\\]]", ["]"], ["\\"]],
      ["[ab", ["a", "b"], ["[", "ab"]],
      ["a\\", ["a\\"], ["a"]],
      ["*a*b*", ["ab", "xaxbx"], ["ba", "a"]],
      ["\0*", ["\0", "\0a"], ["a"]],
    ];
    for (const [pattern, fits, fitsNot] of cases) {
      for (const text of fits) expect([pattern, text, matchesGlob(pattern, text)]).toContain(true);
      for (const text of fitsNot)
        expect([pattern, text, matchesGlob(pattern, text)]).toContain(false);
    }
  });

  it("may ignore the case of A to Z", () => {
    expect(matchesGlob("Save*[X-Z]", "sAVE-y", true)).toBe(true);
    expect(matchesGlob("save", "SAVE")).toBe(false);
    expect(matchesGlob("\xe0", "\xc0", true)).toBe(false);
  });

  it("takes a bounded number of steps, and too long a pattern matches nothing", () => {
    const text = "a".repeat(4_000);
    expect(matchesGlob(`${"a*".repeat(2_000)}b`, text)).toBe(false);
    expect(matchesGlob(`${"*a".repeat(40)}b`, text)).toBe(false);
    expect(matchesGlob("*".repeat(patternBytesMax), "x")).toBe(true);
    expect(matchesGlob("*".repeat(patternBytesMax + 1), "x")).toBe(false);
  });
});

describe("random glob patterns", () => {
  let oracle: Oracle;
  let client: RawClient;
  beforeAll(async () => {
    oracle = await startOracle();
    client = await RawClient.connect(oracle.port);
  }, 20_000);
  afterAll(async () => {
    client.close();
    await oracle.stop();
  });

  it("match what Redis matches", async () => {
    const dice = new Dice(2);
    const word = (letters: string, max: number) =>
      Array.from({ length: dice.below(max) }, () => letters[dice.below(letters.length)]).join("");
    const keys = new Set([""]);
    while (keys.size < 150) keys.add(word("abc]-\\^[", 5));
    for (const key of keys) await client.ask("SET", key, "v");
    let matched = 0;
    for (let nth = 0; nth < 1_500; nth++) {
      const pattern = word("ab*?[]^-\\c*", 8);
      const expected = [...keys].filter((key) => matchesGlob(pattern, key));
      const reply = await client.ask("KEYS", pattern);
      const got = reply.split("\r\n").filter((_, line) => line > 0 && line % 2 === 0);
      if (got.at(-1) === "" && got.length > Number(reply.slice(1, reply.indexOf("\r")))) got.pop();
      // Redis' matcher finds in an empty text nothing but what is empty too, or a lone star.
      expect([pattern, ...got.sort()]).toEqual([pattern, ...expected.sort()]);
      matched += expected.length;
    }
    expect(matched).toBeGreaterThan(1_000);
  });
});
