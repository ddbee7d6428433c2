// What `maxmemory-policy` may say: which keys may be evicted, and which of them first.

/** `keys`: "volatile" are those with an expiry. `first`: which of the sampled keys goes. */
export interface EvictionPolicy {
  readonly name: string;
  readonly keys: "none" | "all" | "volatile";
  readonly first: "idle" | "rare" | "random" | "due";
}

const policy = (
  name: string,
  keys: EvictionPolicy["keys"],
  first: EvictionPolicy["first"],
): EvictionPolicy => ({ name, keys, first });

export const noEviction: EvictionPolicy = policy("noeviction", "none", "random");

/** In the order in which Redis' complaint lists them. */
export const evictionPolicies: readonly EvictionPolicy[] = [
  policy("volatile-lru", "volatile", "idle"),
  policy("volatile-lfu", "volatile", "rare"),
  policy("volatile-random", "volatile", "random"),
  policy("volatile-ttl", "volatile", "due"),
  policy("allkeys-lru", "all", "idle"),
  policy("allkeys-lfu", "all", "rare"),
  policy("allkeys-random", "all", "random"),
  noEviction,
];

export function evictionPolicyOf(name: string): EvictionPolicy | undefined {
  return evictionPolicies.find((each) => each.name === name);
}
