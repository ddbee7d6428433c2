// One string key with a TTL, as the Redis documentation describes its commands and our promises its time.
//
// A TTL and what a client may see of it. The leader stamps log time L into SET k v PX ttl, and the key is
// gone for everything at or after log time L + ttl. A client sees neither: it knows that the stamp was made
// between its call and its return, and that log time follows the leaders' clocks, which may differ. So the
// key expires at an unknown instant of the clients' clock, once, within
//
//   earliest = call + ttl - slack      latest = return + ttl + slack
//
// The slack is one number, given by the one who runs the test, and must cover together: the greatest
// difference between the clocks of two leaders; the longest fail-over (log time may stand still meanwhile);
// the drift of a leader's clock over the longest TTL; and 1 ms, because log time is whole milliseconds.
// Too large a slack only misses violations, too small a one reports good histories.
//
// - A reply that shows the value needs an effect before the expiry: it is legal if call <= latest.
// - A reply that shows no value needs an effect after it: it is legal if return >= earliest.
// - In between both are, and both are tried. Whoever has seen the key expired has left the value behind: no
//   later operation finds it again.
//
// Instants of effect never run back along an order, and this narrows the bounds. Going forward, nothing takes
// effect before `floor`: the calls of all operations so far, and the `earliest` of an expiry that was seen.
// Going back, a value that an operation finds was written before that operation returned.
//
// The exact instant is checked in simulation, where log time can be seen.

import { unreachable } from "../../src/assert.ts";
import { endOf, type Json, type Operation } from "./history.ts";
import type { Model } from "./model.ts";
import { keyOf, type RegisterInput, registerInput, type SetInput } from "./register-input.ts";

const nanosecondsPerMs = 1e6;

/** When a value goes; all in nanoseconds of the clients' clock. */
interface Lease {
  readonly ttl: number;
  readonly earliest: number;
  readonly latest: number;
}

export interface RegisterState {
  /** Null while the key does not exist. */
  readonly value: string | null;
  /** Null while the key has no TTL. */
  readonly lease: Lease | null;
  /** What follows takes effect at this time or later. */
  readonly floor: number;
}

/** Value and lease, after a command that met a certain value. */
type Held = Omit<RegisterState, "floor">;

interface Effect {
  readonly held: Held;
  /** What the client is told; undefined for an error. Integers beyond 2^53 are text. */
  readonly reply: Json | undefined;
}

const absent: Held = { value: null, lease: null };

/** @param slackMs how far an expiry may be from call or return plus TTL; see the head of this file */
export function registerModel(slackMs: number): Model<RegisterState> {
  const slack = slackMs * nanosecondsPerMs;
  return {
    initial: { ...absent, floor: 0 },
    partitionOf: keyOf,
    isRead: ({ op }) => op === "get" || op === "exists",
    identify: stateInWords,
    step(state, operation) {
      const input = registerInput(operation);
      return statesMet(state, operation, slack).flatMap(({ floor, ...held }) => {
        const effect = effectOf(input, held, leaseFrom(floor, endOf(operation), slack));
        const isExplained = operation.kind === "info" || effect.reply === operation.res;
        return isExplained ? [{ ...effect.held, floor }] : [];
      });
    },
  };
}

/** Every field is in it, so that equal words mean equal states. */
function stateInWords({ value, lease, floor }: RegisterState): string {
  const ms = (nanoseconds: number): number => nanoseconds / nanosecondsPerMs;
  const expiry =
    lease === null
      ? ""
      : `, TTL ${ms(lease.ttl)} ms, expires in ${ms(lease.earliest)}..${ms(lease.latest)} ms`;
  return `${value === null ? "no value" : JSON.stringify(value)} from ${ms(floor)} ms${expiry}`;
}

/** As what the operation may find the key: alive, or expired, or either. */
function statesMet(state: RegisterState, operation: Operation, slack: number): RegisterState[] {
  const { value, lease } = state;
  const floor = Math.max(state.floor, operation.call);
  const end = endOf(operation);
  if (end < floor) return [];
  if (lease === null) return [{ value, lease, floor }];

  const met: RegisterState[] = [];
  if (floor <= lease.latest) {
    const latest = Math.min(lease.latest, end + lease.ttl + slack);
    met.push({ value, lease: { ...lease, latest }, floor });
  }
  if (end >= lease.earliest) {
    met.push({ ...absent, floor: Math.max(floor, lease.earliest) });
  }
  return met;
}

type LeaseOf = (ttlMs: number) => Lease;

/** @param from, end the bounds of the instant at which the TTL begins */
const leaseFrom =
  (from: number, end: number, slack: number): LeaseOf =>
  (ttlMs) => {
    const ttl = ttlMs * nanosecondsPerMs;
    return { ttl, earliest: from + ttl - slack, latest: end + ttl + slack };
  };

/** What a command does to the value that it finds, and replies. */
function effectOf(input: RegisterInput, held: Held, leaseOf: LeaseOf): Effect {
  const { value, lease } = held;
  switch (input.command) {
    case "get":
      return { held, reply: value };
    case "exists":
      return { held, reply: value === null ? 0 : 1 };
    case "del":
      return { held: absent, reply: value === null ? 0 : 1 };
    case "getdel":
      return { held: absent, reply: value };
    case "append": {
      const longer = (value ?? "") + input.tail;
      return { held: { value: longer, lease }, reply: longer.length };
    }
    case "incrby":
      return increment(held, input.by);
    case "set":
      return set(input, held, leaseOf);
    default:
      return unreachable(input);
  }
}

function set(input: SetInput, held: Held, leaseOf: LeaseOf): Effect {
  const { value, condition, repliesOld, ttlMs } = input;
  const isRefused = condition !== null && (held.value !== null) !== (condition === "xx");
  if (isRefused) return { held, reply: repliesOld ? held.value : null };
  const lease = ttlMs === null ? null : leaseOf(ttlMs);
  return { held: { value, lease }, reply: repliesOld ? held.value : "OK" };
}

const integerPattern = /^(?:0|-?[1-9][0-9]*)$/;

/** An error leaves the key as it was: no integer, or a sum beyond 64 bits. */
function increment(held: Held, by: bigint): Effect {
  const { value, lease } = held;
  if (value !== null && !integerPattern.test(value)) return { held, reply: undefined };
  const sum = BigInt(value ?? "0") + by;
  if (BigInt.asIntN(64, sum) !== sum) return { held, reply: undefined };
  const number = Number(sum);
  return {
    held: { value: String(sum), lease },
    reply: Number.isSafeInteger(number) ? number : String(sum),
  };
}
