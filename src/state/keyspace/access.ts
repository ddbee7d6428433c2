// When or how often a key was used, in one 32-bit word per key: of this node alone, never replicated or persisted.

/** Nothing is known of the key. */
export const unknownAccess = 0;

/** Units of an idle word in a second. 32 bits of them come round after eight years. */
const idleUnits = 16;
/** A new key's counter, so that it is not evicted before it had a chance (LFU_INIT_VAL). */
export const firstCount = 5;
const countMax = 255;
const minuteMask = 0xffff;

/** How use is counted: `lfu-log-factor` and `lfu-decay-time`. */
export interface CountingOptions {
  readonly logFactor: number;
  /** Minutes after which an unused key's counter falls by one; 0: it never does. */
  readonly decayMinutes: number;
}

// --- How long ago -------------------------------------------------------------------------------

export function idleWord(nowMs: number): number {
  return Math.floor((nowMs / 1000) * idleUnits) >>> 0 || 1;
}

/** In seconds. Clocks differ between a leader and log time: a use that seems to lie ahead is of now. */
export function idleSeconds(word: number, nowMs: number): number {
  const units = (idleWord(nowMs) - word) | 0;
  return units < 0 ? 0 : units / idleUnits;
}

// --- How often: 16 bits of minutes, 8 bits of a logarithmic counter, as in Redis ------------------

function minutesOf(nowMs: number): number {
  return Math.floor(nowMs / 60_000) & minuteMask;
}

export function countWord(nowMs: number, count: number): number {
  return (minutesOf(nowMs) << 8) | count;
}

/** The counter as it is by now: it falls while the key is not used (LFUDecrAndReturn). */
export function decayedCount(
  word: number,
  nowMs: number,
  { decayMinutes }: CountingOptions,
): number {
  const count = word & 0xff;
  if (decayMinutes === 0) return count;
  const minutes = (minutesOf(nowMs) - (word >>> 8)) & minuteMask;
  return Math.max(0, count - Math.floor(minutes / decayMinutes));
}

/** One more use: the higher the counter, the less likely it rises (LFULogIncr). `chance` is in [0, 1). */
export function raisedCount(count: number, chance: number, { logFactor }: CountingOptions): number {
  if (count >= countMax) return countMax;
  const above = Math.max(0, count - firstCount);
  return chance < 1 / (above * logFactor + 1) ? count + 1 : count;
}
