// What a request may measure: the limits of a client, and those of bytes that were admitted once.

import { bulkBytesMax, inlineBytesMax, requestBytesMax } from "../constants.ts";

/** Read at each header, so a change (AUTH, CONFIG SET) concerns the very next one. */
export interface RequestLimits {
  bulkBytes: number;
  words: number;
  inlineBytes: number;
  /** One whole request, headers included. */
  requestBytes: number;
  /** False: Redis' small limits before AUTH hold beside the others. */
  authenticated: boolean;
}

/** For bytes that were admitted once (log entries): a limit lowered since must not refuse them. */
export const admittedLimits: Readonly<RequestLimits> = {
  bulkBytes: bulkBytesMax,
  words: 2 ** 31 - 1,
  inlineBytes: inlineBytesMax,
  requestBytes: requestBytesMax,
  authenticated: true,
};
