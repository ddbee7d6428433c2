// The input of all clients together: however many send large requests, memory is bounded and each is served.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InputSource, InputTotal } from "../../../src/net/clients/input-total.ts";

const limits = { bytesMax: 10_000, smallBytes: 100, patienceMs: 1_000 };
const chunkBytes = 64;

/** A client with one request of a size after the other. */
class Client implements InputSource {
  inputBytes = 0;
  takenBytes = 0;
  isRead = true;
  isClosed = false;
  readonly #total: InputTotal;
  readonly #requestBytes: number;

  constructor(total: InputTotal, requestBytes: number) {
    this.#total = total;
    this.#requestBytes = requestBytes;
  }

  get isDone(): boolean {
    return this.takenBytes > 0;
  }

  send(bytes = chunkBytes): void {
    if (!this.isRead || this.isClosed) return;
    this.#add(Math.min(bytes, this.#requestBytes - this.inputBytes));
    if (this.inputBytes === this.#requestBytes) {
      this.takenBytes += this.#requestBytes;
      this.#add(-this.inputBytes);
    }
    this.readAgain();
  }

  /** Whole requests that wait for something else than bytes. */
  keep(bytes: number): void {
    this.isRead = false;
    this.#add(bytes);
  }

  readAgain(): void {
    this.isRead = this.#total.mayRead(this);
  }

  drop(): void {
    this.isClosed = true;
    this.#add(-this.inputBytes);
    this.#total.forget(this);
  }

  #add(bytes: number): void {
    this.inputBytes += bytes;
    this.#total.add(bytes);
  }
}

function clientsOf(sizes: readonly number[]) {
  const total = new InputTotal(limits);
  return { total, clients: sizes.map((bytes) => new Client(total, bytes)) };
}

describe("clients that send large requests at once", () => {
  it("are all served, one after the other, within a limit", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), (sizes, picks) => {
        const { total, clients } = clientsOf(sizes);
        const most = limits.bytesMax + 9_000 + sizes.length * (limits.smallBytes + chunkBytes);
        for (let step = 0; clients.some(({ isDone }) => !isDone); step++) {
          expect(step).toBeLessThan(200_000);
          const [pick] = [...picks.take(1)];
          const left = clients.filter(({ isDone }) => !isDone);
          left[(pick ?? 0) % left.length]?.send();
          expect(total.bytes).toBeLessThanOrEqual(most);
          if (step % 7 === 0) total.review(0, clients);
        }
        expect(clients.some(({ isClosed }) => isClosed)).toBe(false);
        expect(total.bytes).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it("are not read while there is too much, and small requests are", () => {
    const { total, clients } = clientsOf([9_000, 9_000, 9_000, 50]);
    for (const client of clients.slice(0, 3)) client.send(4_000);
    expect(clients.map(({ isRead }) => isRead)).toEqual([true, true, false, true]);
    clients[3]?.send(50);
    expect([clients[3]?.isDone, clients[3]?.isRead]).toEqual([true, true]);
    clients[0]?.send(1);
    clients[1]?.send(2);
    expect(total.isHolding).toBe(true);
    total.review(0, clients);
    expect(clients.map(({ isRead }) => isRead)).toEqual([false, true, false, true]);
    clients[1]?.send(9_000);
    total.review(0, clients);
    expect(clients.map(({ isRead }) => isRead)).toEqual([true, true, true, true]);
  });
});

describe("when nothing is completed in time", () => {
  it("the client with most input is closed, and the others go on", () => {
    const { total, clients } = clientsOf([9_000, 9_000, 9_000]);
    const [largest, second, third] = clients as [Client, Client, Client];
    largest.send(4_500);
    second.send(4_000);
    third.send(3_500);
    largest.send(1);
    second.send(1);
    total.review(0, clients);
    total.review(limits.patienceMs, clients);
    expect(clients.map(({ isRead }) => isRead)).toEqual([true, false, false]);
    total.review(limits.patienceMs + 1, clients);
    expect(clients.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
    total.review(limits.patienceMs + 2, clients);
    expect([second.isRead, third.isRead]).toEqual([true, true]);
  });

  it("it is the one that holds most, although it is not the one that may go on", () => {
    const { total, clients } = clientsOf([9_000, 9_000]);
    const [half, waiting] = clients as [Client, Client];
    half.send(2_000);
    waiting.keep(9_000);
    half.send(1);
    expect(half.isRead).toBe(false);
    total.review(0, clients);
    expect(half.isRead).toBe(true);
    total.review(limits.patienceMs + 1, clients);
    expect([half.isClosed, waiting.isClosed]).toEqual([false, true]);
  });
});
