// Addresses from which a wrong secret was tried, and for how long each of them is refused.

import {
  wrongProofAddressesMax,
  wrongProofPauseMaxMs,
  wrongProofPauseMs,
} from "../../constants.ts";

interface Record {
  count: number;
  untilMs: number;
}

/** The caller passes the times in; they come from a clock that does not go back. */
export class WrongProofs {
  /** In the order of the last wrong proof: the first is the one to be forgotten. */
  readonly #records = new Map<string, Record>();

  get size(): number {
    return this.#records.size;
  }

  add(address: string, nowMs: number): void {
    const count = (this.#records.get(address)?.count ?? 0) + 1;
    const pauseMs = Math.min(
      wrongProofPauseMaxMs,
      wrongProofPauseMs * 2 ** Math.min(count - 1, 20),
    );
    this.#records.delete(address);
    const [oldest] = this.#records.keys();
    if (oldest !== undefined && this.#records.size >= wrongProofAddressesMax) {
      this.#records.delete(oldest);
    }
    this.#records.set(address, { count, untilMs: nowMs + pauseMs });
  }

  /** A peer at this address has proved that it knows the secret. */
  forgive(address: string): void {
    this.#records.delete(address);
  }

  isPaused(address: string, nowMs: number): boolean {
    return nowMs < (this.#records.get(address)?.untilMs ?? 0);
  }
}
