// The words of generated commands: keys, values and numbers, ordinary ones and those that break parsers.

import type { Random } from "./random.ts";

const longKey = `long-${"k".repeat(300)}`;

/** Few keys, so that commands meet each other's values. */
export const keys: readonly string[] = [
  ...["k1", "k2", "k3", "k4", "k5", "user:{7}:name", "{user}:8", longKey],
  ...["", " ", "__proto__", "constructor", "toString", "a\0b", "a\r\nb", "\xff\xfe", "\xc3\x28"],
];

/** Keys of their own for LCS, whose cost is the product of the two lengths. */
const lcsKeys = ["lcs1", "lcs2", "lcs3"];

const integers: readonly string[] = [
  ...["0", "1", "-1", "7", "10", "42", "100", "-5", "1000", "9999", "10000", "65536", "2147483647"],
  ...["2147483648", "-2147483649", "4294967295", "4294967296", "9007199254740991"],
  ...["9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775806"],
  ...["9223372036854775807", "-9223372036854775807", "-9223372036854775808"],
];

const notIntegers: readonly string[] = [
  ...["9223372036854775808", "-9223372036854775809", "18446744073709551616", "", " ", "1 ", " 1"],
  ...["+1", "01", "-0", "1.0", "1e3", "0x10", "abc", "1\0", "1\r\n", "--1", "-", "\xb2"],
];

const floats: readonly string[] = [
  ...["0", "1", "-1", "0.1", "0.2", "-0.5", "3.14159265358979", "1.5e3", "5.0e-3", "1e17", "1e-17"],
  ...["123456789.123456789", "0.30000000000000004", "10.5", "-1e5", "2.5E2", ".5", "5.", "1e300"],
];

const notFloats: readonly string[] = [
  ...["nan", "inf", "-inf", "+inf", "infinity", "1e400", "abc", "", " 1.5", "1.5 ", "1,5", "0x1p3"],
  ...["1.5\0", "--1", "1e", "e5"],
];

const oddValues: readonly string[] = [
  ...["", " ", "\0", "\r\n", "\n", "\xff", "\xff\xfe\xfd", "\xe2\x82", "__proto__", "nil", "null"],
  ...["*1\r\n$4\r\nPING\r\n", "+OK\r\n", "$-1\r\n", "{}", '"quoted"', "\\x00", "-ERR x"],
];

const patterns: readonly string[] = [
  ...["*", "k*", "k?", "k[1-3]", "k[^1]", "*e*", "[a-z]*", "\\*", "user:*", "", "nomatch", "\xff*"],
  ...["a\0*", "k[3-1]", "k[", "[", "\\", "**", "*1", "?1", "k\\1", "{user}*"],
];

const printable = "abcdefghijklmnopqrstuvwxyz0123456789 ";

function text(random: Random, length: number, alphabet = printable): string {
  let made = "";
  for (let at = 0; at < length; at++) made += alphabet[random.between(0, alphabet.length - 1)];
  return made;
}

function value(random: Random): string {
  const kind = random.next();
  if (kind < 0.3) return random.pick(integers);
  if (kind < 0.4) return random.pick(notIntegers);
  if (kind < 0.5) return random.pick(floats);
  if (kind < 0.65) return random.pick(oddValues);
  if (kind < 0.9) return text(random, random.between(1, 20));
  if (kind < 0.99) return text(random, random.between(40, 300)); // Beyond Redis' embstr (44 bytes).
  return text(random, random.between(1_000, 20_000));
}

const mostly = (likely: readonly string[], rare: readonly string[]) => (random: Random) =>
  random.pick(random.chance(0.9) ? likely : rare);

const range = (low: number, high: number) => (random: Random) => String(random.between(low, high));

/** Upper-case words of the templates in commands.ts. */
export const placeholders: ReadonlyMap<string, (random: Random) => string> = new Map([
  ["KEY", (random) => random.pick(keys)],
  ["LCSKEY", (random) => random.pick(lcsKeys)],
  ["LCSTEXT", (random) => text(random, random.between(0, 60), "abcde")],
  ["VALUE", value],
  ["INT", mostly(integers, notIntegers)],
  ["FLOAT", mostly(floats, notFloats)],
  ["INDEX", (random) => (random.chance(0.8) ? range(-12, 30)(random) : random.pick(integers))],
  // Offsets between 100 and the limit of 64 MiB would only cost memory.
  ["OFFSET", mostly([..."0123456789", "20", "60", "100"], ["-1", "67108864", "536870912", "x"])],
  ["DB", mostly(["0", "0", "0", "1", "2", "15"], ["16", "-1", "x", "99999999999999999999"])],
  // Expiries lie so far ahead and so far apart that neither waiting nor rounding changes an order.
  ["SECONDS", range(10_000, 1_000_000_000)],
  ["MILLIS", range(10_000_000, 1_000_000_000_000)],
  ["AT", range(4_102_444_800, 9_000_000_000)],
  ["ATMILLIS", range(4_102_444_800_000, 9_000_000_000_000)],
  [
    "BADTIME",
    (random) =>
      random.pick([...["0", "-1", "9223372036854775807", "-9223372036854775808"], ...notIntegers]),
  ],
  ["PATTERN", (random) => random.pick(patterns)],
  ["NAME", mostly(["worker-1", "a", "", "x\xff"], ["two words", "line\nbreak"])],
  ["COMMANDNAME", (random) => random.pick(["get", "set", "GETRANGE", "mset", "expire", "ping"])],
  ["ODD", (random) => random.pick(random.pick([notIntegers, notFloats, oddValues, integers]))],
  ["BIG", range(1_000, 9_999)],
]);
