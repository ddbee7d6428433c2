// In which order a request is refused. Stages read declarations, never command names.

import { errors } from "../resp/errors.ts";
import type { ErrorReply } from "../resp/reply.ts";
import { arityFits, fullName } from "../state/commands/derive.ts";
import type { Command } from "../state/commands/spec.ts";

export interface Request {
  readonly command: Command;
  /** Words, the name included. */
  readonly wordCount: number;
  readonly client: { readonly authenticated: boolean };
}

/** A stage answers with a refusal, or null to let the request pass. The order is the specification. */
type Stage = (request: Request) => ErrorReply | null;

const arity: Stage = ({ command, wordCount }) =>
  arityFits(command, wordCount) ? null : errors.arity(fullName(command));

const authenticated: Stage = ({ command, client }) =>
  client.authenticated || command.flags.includes("no_auth") ? null : errors.noAuth;

const stages: readonly Stage[] = [arity, authenticated];

export function refusal(request: Request): ErrorReply | null {
  for (const stage of stages) {
    const reply = stage(request);
    if (reply !== null) return reply;
  }
  return null;
}
