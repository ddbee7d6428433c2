// The limits of what waits for consensus, in one object: a simulation makes them small, so that they are reached.

import {
  batchBytesMax,
  peerReadsMax,
  pendingBytesMax,
  pendingReadBytesMax,
  uncommittedBytesMax,
  writeWindowBytes,
} from "../../constants.ts";

/** What each one means stands in `constants.ts`. */
export interface ReplicaLimits {
  readonly pendingBytesMax: number;
  readonly pendingReadBytesMax: number;
  readonly batchBytesMax: number;
  readonly writeWindowBytes: number;
  readonly peerReadsMax: number;
  readonly uncommittedBytesMax: number;
}

export const defaultLimits: ReplicaLimits = {
  pendingBytesMax,
  pendingReadBytesMax,
  batchBytesMax,
  writeWindowBytes,
  peerReadsMax,
  uncommittedBytesMax,
};
