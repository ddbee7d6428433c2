// Who waits for the replies to its requests, as the node sees it.

import type { Protocol, Reply } from "../../resp/reply.ts";

/** Who waits for replies: a session, or something inside the node. */
export interface Waiter {
  readonly id: number;
  readonly database: number;
  readonly protocol: Protocol;
  /** CLIENT NO-TOUCH: its reads are no use of the keys. */
  readonly noTouch?: boolean;
  /** True: nobody is there any more, and no reply is of use. */
  readonly isGone: boolean;
  /** Many replies wait for it to read them: its reads wait too. */
  readonly isFull: boolean;
  /** The replies of all clients are too many: a read runs again later if its reply is not small. */
  readonly isCrowded: boolean;
  /** Called once per request, in the order of the requests. */
  reply(reply: Reply): void;
}
