// Requests in every shape that clients send, however the network cuts them.

import { describe, expect, it } from "vitest";
import { RequestDecoder } from "../../src/resp/request-decoder.ts";
import { admittedLimits } from "../../src/resp/request-limits.ts";
import { bytesOf, decodeChunks, usualLimits, wire } from "../support/resp-decoding.ts";
import { wireExample } from "../support/wire-example.ts";

const allBytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");

wireExample("an array of bulk strings", {
  wire: wire("SET", "key", "value"),
  requests: [["SET", "key", "value"]],
});
wireExample("pipelined requests", {
  wire: wire("SET", "a", "1") + wire("GET", "a") + wire("PING"),
  requests: [["SET", "a", "1"], ["GET", "a"], ["PING"]],
});
wireExample("arrays and inline lines in turn", {
  wire: `PING\r\n${wire("GET", "a")}ECHO "x y"\n${wire("PING")}`,
  requests: [["PING"], ["GET", "a"], ["ECHO", "x y"], ["PING"]],
});
wireExample("empty words, and words with every byte", {
  wire: wire("", allBytes, "\r\n", "*1\r\n$4\r\nPING\r\n", ""),
  requests: [["", allBytes, "\r\n", "*1\r\n$4\r\nPING\r\n", ""]],
});
wireExample("words of every short length", {
  wire: wire(...Array.from({ length: 20 }, (_, length) => allBytes.slice(200, 200 + length))),
  requests: [Array.from({ length: 20 }, (_, length) => allBytes.slice(200, 200 + length))],
});
wireExample("requests without a word are skipped", {
  wire: `\r\n*0\r\n*-1\r\n*-10\r\n*-9223372036854775808\r\n \t \r\n\n${wire("PING")}`,
  requests: [["PING"]],
});
wireExample("what has not arrived in full is not given out", {
  wire: `${wire("PING")}*2\r\n$3\r\nGET\r\n$3\r\nke`,
  requests: [["PING"]],
});

/** Whether [start, end) of a buffer is exactly one request. */
function isOneRequest(
  decoder: RequestDecoder,
  buffer: Buffer,
  start: number,
  end: number,
): boolean {
  decoder.load(buffer, start, end);
  return decoder.next() && decoder.end === end;
}

describe("the current request", () => {
  const decoderOf = (text: string) => {
    const decoder = new RequestDecoder({ ...usualLimits });
    decoder.push(bytesOf(text));
    return decoder;
  };

  it("gives its words one by one or all at once, and its count", () => {
    const decoder = decoderOf(wire("MGET", "a", "b"));
    expect(decoder.next()).toBe(true);
    expect(decoder.wordCount).toBe(3);
    expect([decoder.word(0), decoder.word(1), decoder.word(2)]).toEqual(["MGET", "a", "b"]);
    expect(decoder.words()).toEqual(["MGET", "a", "b"]);
  });

  it("refuses to cut a word that is not there", () => {
    const decoder = decoderOf(wire("PING"));
    expect(() => decoder.word(0)).toThrow(/has that word/);
    decoder.next();
    expect(() => decoder.word(1)).toThrow(/has that word/);
  });

  it.each([
    ["in an array", wire("Client", "x")],
    ["inline", "Client x\r\n"],
  ])("recognises its name without regard to the case of A to Z, %s", (_, text) => {
    const decoder = decoderOf(text);
    decoder.next();
    expect(decoder.nameEquals("client")).toBe(true);
    expect(decoder.nameEquals("clients")).toBe(false);
    expect(decoder.nameEquals("clien")).toBe(false);
    expect(decoder.nameEquals("clienu")).toBe(false);
  });

  it("folds no other chars than A to Z", () => {
    const decoder = decoderOf(wire("@[\xc0"));
    decoder.next();
    expect(decoder.nameEquals("@[\xc0")).toBe(true);
    expect(decoder.nameEquals("`{\xe0")).toBe(false);
  });

  it("has its raw bytes in one piece, and they stay as they are", () => {
    const first = wire("SET", "a", "x".repeat(3000));
    const second = wire("SET", "b", "y".repeat(3000));
    const decoder = new RequestDecoder({ ...usualLimits });
    const kept: [Buffer, number, number][] = [];
    const text = first + second;
    for (let at = 0; at < text.length; at += 700) {
      decoder.push(bytesOf(text.slice(at, at + 700)));
      while (decoder.next()) kept.push([decoder.buffer, decoder.start, decoder.end]);
    }
    const raw = kept.map(([buffer, start, end]) => buffer.toString("latin1", start, end));
    expect(raw).toEqual([first, second]);
  });

  it("stays current while further bytes arrive", () => {
    const decoder = decoderOf(wire("GET", "a") + wire("PING").slice(0, 3));
    decoder.next();
    decoder.push(bytesOf(wire("PING").slice(3)));
    expect(decoder.words()).toEqual(["GET", "a"]);
    expect(decoder.next()).toBe(true);
    expect(decoder.words()).toEqual(["PING"]);
  });

  it("comes again after hold, also when more has arrived", () => {
    const decoder = decoderOf(wire("GET", "a") + wire("PING"));
    decoder.next();
    decoder.hold();
    decoder.push(bytesOf(wire("QUIT")));
    expect(decoder.next()).toBe(true);
    expect(decoder.words()).toEqual(["GET", "a"]);
    expect(decoder.next()).toBe(true);
    expect(decoder.words()).toEqual(["PING"]);
    expect(decoder.next()).toBe(true);
    expect(decoder.words()).toEqual(["QUIT"]);
    expect(decoder.next()).toBe(false);
  });

  it("and all behind it outlive the buffer they came in, held or not, whole or not", () => {
    const [get, set] = [wire("GET", "a"), wire("SET", "b", "y".repeat(300))];
    const text = get + wire("PING") + set;
    for (let cut = get.length; cut < text.length; cut++) {
      for (const isHeld of [true, false]) {
        const decoder = new RequestDecoder({ ...usualLimits });
        const shared = Buffer.alloc(text.length);
        const requests: string[][] = [];
        const receive = (from: number, to: number, take: () => void): void => {
          decoder.push(shared.subarray(0, shared.write(text.slice(from, to), "latin1")));
          take();
          decoder.release();
          shared.fill("?");
        };
        const takeAll = (): void => {
          while (decoder.next()) requests.push(decoder.words());
        };
        receive(0, cut, () => {
          decoder.next();
          if (isHeld) decoder.hold();
        });
        const next = Math.min(cut + 280, text.length - 1);
        receive(cut, next, takeAll);
        receive(next, text.length, takeAll);
        const first = isHeld ? [["GET", "a"]] : [];
        const rest = [["PING"], ["SET", "b", "y".repeat(300)]];
        expect(requests, `cut at ${cut}`).toEqual([...first, ...rest]);
      }
    }
  });
});

describe("bufferedBytes", () => {
  it("counts what is not consumed, a held request included", () => {
    const decoder = new RequestDecoder({ ...usualLimits });
    const [first, second] = [wire("GET", "a"), wire("PING")];
    decoder.push(bytesOf(first + second));
    decoder.push(bytesOf("*1"));
    expect(decoder.bufferedBytes).toBe(first.length + second.length + 2);
    decoder.next();
    expect(decoder.bufferedBytes).toBe(second.length + 2);
    decoder.hold();
    expect(decoder.bufferedBytes).toBe(first.length + second.length + 2);
    decoder.next();
    decoder.next();
    expect(decoder.bufferedBytes).toBe(2);
    decoder.next();
    expect(decoder.bufferedBytes).toBe(2);
  });

  it("is nothing after a failure, and later bytes are not kept", () => {
    const decoder = new RequestDecoder({ ...usualLimits });
    decoder.push(bytesOf("*x\r\n"));
    expect(decoder.next()).toBe(false);
    decoder.push(bytesOf(wire("PING")));
    expect(decoder.next()).toBe(false);
    expect(decoder.bufferedBytes).toBe(0);
    expect(decoder.failure?.text).toBe("ERR Protocol error: invalid multibulk length");
  });
});

describe("load", () => {
  const [before, text, after] = ["..", wire("SET", "a", "1"), wire("PING")];

  it("reads one request at a place in a buffer, again and again", () => {
    const decoder = new RequestDecoder({ ...admittedLimits });
    const bytes = bytesOf(before + text + after);
    const end = before.length + text.length;
    for (let times = 0; times < 2; times++) {
      expect(isOneRequest(decoder, bytes, before.length, end)).toBe(true);
      expect(decoder.words()).toEqual(["SET", "a", "1"]);
      expect(isOneRequest(decoder, bytes, end, bytes.length)).toBe(true);
      expect(decoder.words()).toEqual(["PING"]);
    }
  });

  it("is false for less and for more than one request", () => {
    const decoder = new RequestDecoder({ ...admittedLimits });
    const bytes = bytesOf(text + after);
    expect(isOneRequest(decoder, bytes, 0, text.length - 1)).toBe(false);
    expect(isOneRequest(decoder, bytes, 0, text.length + 1)).toBe(false);
    expect(isOneRequest(decoder, bytes, 0, bytes.length)).toBe(false);
    expect(isOneRequest(decoder, bytes, 0, text.length)).toBe(true);
  });
});

describe("limits", () => {
  it("hold from the next header on when they change", () => {
    const decoder = new RequestDecoder({ ...usualLimits, authenticated: false });
    const eleven = wire(..."abcdefghijk");
    decoder.push(bytesOf(wire("AUTH", "secret") + eleven));
    expect(decoder.next()).toBe(true);
    decoder.limits.authenticated = true;
    expect(decoder.next()).toBe(true);
    expect(decoder.wordCount).toBe(11);
  });

  it("let through what is exactly as large as they say", () => {
    const limits = { ...usualLimits, bulkBytes: 5, words: 2, requestBytes: 21 };
    const text = wire("ECHO", "12345");
    expect(text.length).toBe(25);
    expect(decodeChunks([bytesOf(text)], { ...limits, requestBytes: 25 }).requests).toHaveLength(1);
    expect(decodeChunks([bytesOf(text)], { ...limits, requestBytes: 24 }).end).toMatch(/request/);
    expect(decodeChunks([bytesOf(text)], { ...limits, bulkBytes: 4 }).end).toMatch(/bulk length/);
    expect(decodeChunks([bytesOf(text)], { ...limits, words: 1 }).end).toMatch(/multibulk length/);
  });
});
