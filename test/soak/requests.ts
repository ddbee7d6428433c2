// What the clients of a soak ask for: values of mixed sizes, mostly small, that come, grow, move, expire and go.

import type { Words } from "../support/raw-client.ts";
import { Dice } from "../support/state-random.ts";

const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const valueBytesMax = MiB;
/** Keys with a time to live are gone so long after the last write. */
export const ttlMsMax = 5_000;
/** More than fit, so that eviction never rests. */
const keysMax = 400_000;

/** Bytes of values are cut out of it. */
const contents = randomBytes(2 * valueBytesMax);

function randomBytes(length: number): string {
  const dice = new Dice(1);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(dice.below(2 ** 32), at);
  return bytes.toString("latin1");
}

/** A value: nine of ten have up to 256 bytes, one of a hundred up to 1 MiB. */
export function someValue(dice: Dice): string {
  const kind = dice.below(100);
  if (kind < 90) return valueWithin(dice, 1, 256);
  if (kind < 99) return valueWithin(dice, 256, 16 * KiB);
  return valueWithin(dice, 16 * KiB, valueBytesMax);
}

/** Each doubling is as likely as the others. */
function valueWithin(dice: Dice, from: number, to: number): string {
  const length = Math.floor(from * (to / from) ** dice.next());
  const at = dice.below(contents.length - length);
  return contents.slice(at, at + length);
}

export function someRequest(dice: Dice): Words {
  const key = `key:${dice.below(keysMax)}`;
  switch (dice.below(16)) {
    case 0:
    case 1:
      return ["GET", key];
    case 2:
    case 3:
    case 4:
      return ["SET", key, someValue(dice), "PX", String(1 + dice.below(ttlMsMax))];
    case 5:
      return ["APPEND", key, someValue(dice).slice(0, 4 * KiB)];
    case 6: {
      const value = someValue(dice).slice(0, 4 * KiB);
      return ["SETRANGE", key, String(dice.below(2 * value.length)), value];
    }
    case 7:
      return ["DEL", key, `key:${dice.below(keysMax)}`];
    case 8:
      return ["RENAME", key, `key:${dice.below(keysMax)}`];
    default:
      return ["SET", key, someValue(dice)];
  }
}
