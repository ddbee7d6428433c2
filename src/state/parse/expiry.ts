// Times to live as clients write them, turned into absolute times.

import { errors } from "../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import { addIntegers, multiplyIntegers, parseInteger } from "./integers.ts";

/** How a time is written: seconds or milliseconds, from now or since 1970. */
export interface TimeUnit {
  readonly ms: 1 | 1000;
  readonly relative: boolean;
}

export const seconds: TimeUnit = { ms: 1000, relative: true };
export const milliseconds: TimeUnit = { ms: 1, relative: true };
export const unixSeconds: TimeUnit = { ms: 1000, relative: false };
export const unixMilliseconds: TimeUnit = { ms: 1, relative: false };

/** What one command accepts as a time. */
export interface ExpiryRule {
  /** Named by the error about an invalid time. */
  readonly command: string;
  /** SET and its like refuse times at or before zero; EXPIRE takes them and the key dies at once. */
  readonly positive: boolean;
}

/** The absolute time in ms; an error for what is no integer, out of the rule, or beyond 64 bits. */
export function parseExpiry(
  text: Bytes,
  unit: TimeUnit,
  rule: ExpiryRule,
  nowMs: number,
): Expiry | ErrorReply {
  const written = parseInteger(text);
  if (written === undefined) return errors.notAnInteger;
  if (rule.positive && written <= 0) return errors.invalidExpireTime(rule.command);
  const ms = multiplyIntegers(written, unit.ms);
  const at = ms === undefined || !unit.relative ? ms : addIntegers(ms, nowMs);
  return at ?? errors.invalidExpireTime(rule.command);
}
