// The hash by which a record is found.

import type { Bytes } from "../../resp/reply.ts";

export interface Hasher {
  /** 32 bits, signed. */
  hashOf(key: Bytes): number;
  /** The same of bytes that lie in memory. */
  hashOfBytes(page: Buffer, at: number, length: number): number;
}
