// Frames that carry messages of consensus, urgent or bulk.

import { frameKind } from "../../src/node/frames.ts";

export const isConsensus = (kind: number): boolean =>
  kind === frameKind.raft || kind === frameKind.append;
