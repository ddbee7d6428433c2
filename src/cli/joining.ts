// The progress of a node that joins, for its own log, until it votes.

import type { Endpoint } from "../net/endpoint.ts";
import type { Bytes } from "../resp/reply.ts";
import { type CatchUp, describeCatchUp, watchCatchUp } from "./catch-up.ts";

export interface Joining {
  readonly node: number;
  /** This node itself, for clients: it knows who leads. */
  readonly through: Endpoint;
  readonly password: Bytes;
  /** One line, and the same as fields. */
  readonly log: (line: string, fields: object) => void;
  readonly signal: AbortSignal;
  readonly pauseMs?: number;
}

/** Says nothing of a node that votes already: --join may stay on the command line for ever. */
export async function logJoining(joining: Joining): Promise<void> {
  const { through, password, node, log, signal } = joining;
  let hasLearnt = false;
  const report = (now: CatchUp): void => {
    const isNews = now.state === "learner" || now.state === "snapshot";
    hasLearnt ||= isNews;
    if (!isNews && !(hasLearnt && now.state === "voter")) return;
    const { node: _self, state: _state, ...fields } = now;
    log(describeCatchUp(now), fields);
  };
  const target = { ...through, password };
  await watchCatchUp({ target, node, report, signal, pauseMs: joining.pauseMs ?? 1_000 });
}
