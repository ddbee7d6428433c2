// Random and damaged input: the fast decoder, its plain twin and redis-parser must agree.

import RedisParser from "redis-parser";
import { expect, test } from "vitest";
import type { RequestLimits } from "../../src/resp/request-limits.ts";
import { bytesOf, decodeChunks, usualLimits, wire } from "../support/resp-decoding.ts";
import { type Decoded, plainDecode } from "../support/resp-plain-decoder.ts";
import { cutUp, diceOf, mutate, randomArray, randomPipeline } from "../support/resp-random.ts";

const limitSets: readonly RequestLimits[] = [
  usualLimits,
  { ...usualLimits, authenticated: false },
  { bulkBytes: 400, words: 8, inlineBytes: 24, requestBytes: 150, authenticated: true },
];

const rounds = 4000;

test("random and damaged input means the same to the decoder and to its plain twin", () => {
  const ends = new Set<string | null>();
  for (let seed = 1; seed <= rounds; seed++) {
    const dice = diceOf(seed);
    const text = mutate(randomPipeline(dice), dice);
    const limits = limitSets[dice(3)] ?? usualLimits;
    const { decoder, ...decoded } = decodeChunks(cutUp(text, dice), limits);
    expectSame(decoded, plainDecode(text, limits), seed);
    ends.add(decoded.end?.replace(/got '.'/s, "got") ?? null);
  }
  // Every way to end was met, so the agreement says something about each of them.
  expect([...ends].sort()).toEqual(
    [
      null,
      "silent",
      "ERR Protocol error: expected '$', got",
      "ERR Protocol error: expected CRLF after bulk string",
      "ERR Protocol error: invalid bulk length",
      "ERR Protocol error: invalid multibulk length",
      "ERR Protocol error: too big bulk count string",
      "ERR Protocol error: too big inline request",
      "ERR Protocol error: too big mbulk count string",
      "ERR Protocol error: too big request",
      "ERR Protocol error: unauthenticated bulk length",
      "ERR Protocol error: unauthenticated multibulk length",
      "ERR Protocol error: unbalanced quotes in request",
    ].sort(),
  );
});

test("noise means the same to the decoder and to its plain twin", () => {
  const alphabet = [..."*$-0123\r\r\r\n\n\n aB\"'\\x\0\xff"];
  for (let seed = 1; seed <= rounds; seed++) {
    const dice = diceOf(seed);
    const length = dice(120);
    const noise = Array.from({ length }, () => alphabet[dice(alphabet.length)]).join("");
    const text = dice(2) === 0 ? `*${noise}` : noise;
    const { decoder, ...decoded } = decodeChunks(cutUp(text, dice));
    expectSame(decoded, plainDecode(text, usualLimits), seed);
  }
});

test("valid arrays mean the same to the decoder and to redis-parser", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const dice = diceOf(seed);
    const requests = Array.from({ length: 1 + dice(8) }, () => ["SET", ...randomArray(dice)]);
    const text = requests.map((words) => wire(...words)).join("");
    expect(decodeChunks(cutUp(text, dice)).requests, `seed ${seed}`).toEqual(parsed(text));
  }
});

/** A deep comparison only where it has something to show: it costs more than the decoding. */
function expectSame(fast: Decoded, plain: Decoded, seed: number): void {
  if (JSON.stringify(fast) !== JSON.stringify(plain)) {
    expect(fast, `seed ${seed}`).toEqual(plain);
    expect.unreachable(`seed ${seed}`);
  }
}

function parsed(text: string): string[][] {
  const requests: string[][] = [];
  const parser = new RedisParser({
    returnReply: (reply: Buffer[]) => requests.push(reply.map((word) => word.toString("latin1"))),
    returnError: (error) => expect.unreachable(error.message),
    returnBuffers: true,
  });
  parser.execute(bytesOf(text));
  return requests;
}
