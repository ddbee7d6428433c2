import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asBuffer } from "../../../src/bytes.ts";
import type { Protocol } from "../../../src/resp/reply.ts";
import {
  BatchBuilder,
  bodyProblem,
  encodeProposal,
  groupHeaderBytes,
  headerBytes,
  readGroup,
  readHeader,
  tickProposal,
} from "../../../src/state/execution/proposal.ts";

const header = {
  timeMs: 1_700_000_000_000.25,
  seed: 0xffff_fffe,
  origin: 3,
  incarnation: 4_000_000_000,
  firstNumber: 2 ** 52,
  count: 2,
};

interface Sent {
  readonly database: number;
  readonly protocol: Protocol;
  readonly client: number;
  readonly bytes: Buffer;
}

function add(builder: BatchBuilder, { database, protocol, client, bytes }: Sent): void {
  const source = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]);
  builder.add(database, protocol, client, source, 6, 6 + bytes.length);
}

/** Groups as (database, protocol, client, count, bytes). */
function groupsOf(body: Uint8Array): unknown[] {
  const data = asBuffer(body);
  const groups: unknown[] = [];
  for (let at = 0; at < data.length; ) {
    const { database, protocol, clientId, count, start, end } = readGroup(data, at);
    groups.push([database, protocol, clientId, count, data.toString("latin1", start, end)]);
    at = end;
  }
  return groups;
}

const anySent: fc.Arbitrary<Sent> = fc.record({
  database: fc.integer({ min: 0, max: 1 }),
  protocol: fc.constantFrom<Protocol>(2, 3),
  client: fc.constantFrom(1, 2, 2 ** 48 - 1),
  bytes: fc
    .tuple(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 120 }) },
        { weight: 1, arbitrary: fc.integer({ min: 90_000, max: 300_000 }) },
      ),
      fc.integer({ min: 1, max: 255 }),
    )
    .map(([length, fill]) => Buffer.alloc(length, fill)),
});

describe("a batch", () => {
  it("holds every request in order, those of one client in a row in one group", () => {
    fc.assert(
      fc.property(fc.array(fc.array(anySent, { maxLength: 12 }), { maxLength: 6 }), (batches) => {
        const builder = new BatchBuilder();
        const taken = batches.map((sent) => {
          for (const each of sent) add(builder, each);
          expect(builder.requestCount).toBe(sent.length);
          expect(builder.isEmpty).toBe(sent.length === 0);
          const { byteLength } = builder;
          const body = builder.take();
          expect(body.length).toBe(byteLength);
          return body;
        });
        // Checked at the end: a later batch must not write into an earlier one.
        batches.forEach((sent, at) => {
          const body = taken[at] as Uint8Array;
          expect(bodyProblem(body, sent.length)).toBe(null);
          const expected: [number, number, number, number, string][] = [];
          for (const { database, protocol, client, bytes } of sent) {
            const text = bytes.toString("latin1");
            const last = expected.at(-1);
            if (last?.[0] === database && last[1] === protocol && last[2] === client) {
              last[3]++;
              last[4] += text;
            } else expected.push([database, protocol, client, 1, text]);
          }
          expect(groupsOf(body)).toEqual(expected);
        });
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it("becomes an entry without a copy once, and with a copy when it is sent again", () => {
    const builder = new BatchBuilder();
    const bytes = Buffer.from("*1\r\n$4\r\nPING\r\n");
    add(builder, { database: 1, protocol: 3, client: 5, bytes });
    const first = builder.take();
    add(builder, { database: 2, protocol: 2, client: 6, bytes });
    const second = builder.take();

    const data = encodeProposal(header, first);
    expect(data.buffer).toBe(first.buffer);
    const kept = Buffer.from(data);
    const again = encodeProposal({ ...header, seed: 1 }, first);
    expect(again.buffer).not.toBe(first.buffer);
    expect(Buffer.from(data).equals(kept)).toBe(true);
    expect(readHeader(again)).toMatchObject({ ...header, seed: 1 });
    expect(groupsOf(again.subarray(headerBytes))).toEqual(groupsOf(first));

    const other = encodeProposal(header, second);
    expect(groupsOf(other.subarray(headerBytes))).toEqual(groupsOf(second));
    expect(Buffer.from(data).equals(kept)).toBe(true);
  });
});

describe("an entry", () => {
  it("gives back its header", () => {
    const data = encodeProposal(header, new Uint8Array([1, 2, 3]));
    expect(readHeader(data)).toEqual({ ...header, kind: 0, flags: 0, format: 2, behaviour: 1 });
    expect([...data.subarray(headerBytes)]).toEqual([1, 2, 3]);
    expect(readHeader(tickProposal(5.5))).toMatchObject({ timeMs: 5.5, count: 0, origin: 0 });
    expect(() => readHeader(data.subarray(0, headerBytes - 1))).toThrow(/whole header/);
  });

  it("has the layout that is written down, so that nodes of two versions agree", () => {
    const builder = new BatchBuilder();
    const bytes = Buffer.from("PING\r\n");
    builder.add(2, 3, 0x0102_0304_0506, bytes, 0, bytes.length);
    builder.add(2, 3, 0x0102_0304_0506, bytes, 0, bytes.length);
    const data = encodeProposal(
      { timeMs: 1, seed: 2, origin: 3, incarnation: 4, firstNumber: 5, count: 2 },
      builder.take(),
    );
    expect(Buffer.from(data).toString("hex")).toBe(
      "02010000000000000000f03f020000000300000004000000000000000000144002000000" +
        "0203060504030201020000000c00000050494e470d0a50494e470d0a",
    );
  });
});

describe("a body from a peer", () => {
  function body(): Buffer {
    const builder = new BatchBuilder();
    const bytes = Buffer.from("PING\r\n");
    builder.add(2, 3, 1, bytes, 0, bytes.length);
    builder.add(4, 2, 2, bytes, 0, bytes.length);
    return Buffer.from(builder.take());
  }

  it("is refused when it is cut at any place but the end, or counts otherwise", () => {
    expect(bodyProblem(body(), 2)).toBe(null);
    expect(bodyProblem(body(), 1)).toMatch(/2 requests are there/);
    expect(bodyProblem(body(), 3)).toMatch(/2 requests are there/);
    expect(bodyProblem(body(), 0)).toMatch(/2 requests are there/);
    for (let cut = 1; cut < body().length; cut++) {
      expect(bodyProblem(body().subarray(0, cut), 2)).not.toBe(null);
    }
  });

  it("may be empty whatever its count: its numbers are to be passed", () => {
    for (const count of [0, 1, 0xffff_ffff])
      expect(bodyProblem(new Uint8Array(0), count)).toBe(null);
  });

  it("is refused with a database, a protocol or a count that cannot be", () => {
    const cases: [number, number, RegExp][] = [
      [0, 16, /no database 16/],
      [1, 4, /no protocol 4/],
      [8, 0, /cannot be 0 requests/],
      [8, 7, /cannot be 7 requests/],
      [15, 0xff, /too late/],
      [groupHeaderBytes + 6, 0xff, /no database 255/],
    ];
    for (const [at, byte, problem] of cases) {
      const bad = body();
      bad[at] = byte;
      expect(bodyProblem(bad, 2)).toMatch(problem);
    }
  });
});
