// The limits of what waits for consensus, in one object: a simulation makes them small, so that they are reached.

import {
  batchBytesMax,
  pendingBytesMax,
  pendingReadBytesMax,
  uncommittedBytesMax,
} from "../../constants.ts";

/** What each one means stands in `constants.ts`. */
export interface ReplicaLimits {
  readonly pendingBytesMax: number;
  readonly pendingReadBytesMax: number;
  readonly batchBytesMax: number;
  readonly uncommittedBytesMax: number;
}

export const defaultLimits: ReplicaLimits = {
  pendingBytesMax,
  pendingReadBytesMax,
  batchBytesMax,
  uncommittedBytesMax,
};
