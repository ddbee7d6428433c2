// When a key dies, as a type that every room of the state shares.

/** Unix time in ms. A bigint only beyond 2^53, which Redis allows for expiries. */
export type Expiry = number | bigint;
