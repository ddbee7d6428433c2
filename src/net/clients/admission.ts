// In which order a request is refused. Stages read declarations, never command names.

import { errors } from "../../resp/errors.ts";
import type { ErrorReply } from "../../resp/reply.ts";
import { arityFits, fullName } from "../../state/commands/derive.ts";
import type { Command, WriteCommand } from "../../state/commands/spec.ts";

export interface AdmittedClient {
  readonly authenticated: boolean;
  /** Why its node does not take its present request, a write; null when it does. */
  refusesWrite(command: WriteCommand): ErrorReply | null;
  /** Its node is bringing its state back. */
  readonly isLoading: boolean;
}

/**
 * A stage answers with a refusal, or null to let the request pass; `wordCount` includes the name. The
 * order is the specification.
 */
type Stage = (command: Command, wordCount: number, client: AdmittedClient) => ErrorReply | null;

const arity: Stage = (command, wordCount) =>
  arityFits(command, wordCount) ? null : errors.arity(fullName(command));

const authenticated: Stage = (command, _wordCount, client) =>
  client.authenticated || command.flags.includes("no_auth") ? null : errors.noAuth;

const writable: Stage = (command, _wordCount, client) =>
  command.kind === "write" ? client.refusesWrite(command) : null;

const loaded: Stage = (command, _wordCount, client) =>
  client.isLoading && !command.flags.includes("loading") ? errors.loading : null;

/** No list of stages: it runs for every request. */
export const refusal: Stage = (command, wordCount, client) =>
  arity(command, wordCount, client) ??
  authenticated(command, wordCount, client) ??
  writable(command, wordCount, client) ??
  loaded(command, wordCount, client);
