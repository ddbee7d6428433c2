// RAFT STATUS as the command line reads it: a reply of a server that may be of any version.

import type { Endpoint } from "../net/endpoint.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import { ask, NoAnswerError } from "../net/resp-client.ts";
import { type Bytes, ErrorReply, MapReply, plain, type Reply } from "../resp/reply.ts";

/** How a command reaches its cluster: any node of it, by its port for clients. */
export interface ClusterTarget extends Endpoint {
  /** Empty: none. */
  readonly password: Bytes;
}

/** Names and values as they came; what is missing is undefined. */
export type Fields = ReadonlyMap<string, Reply>;

export interface StatusReply {
  readonly fields: Fields;
  readonly members: readonly Fields[];
}

/** The answer is an error, or none: one line for the operator. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

const answerMs = 5_000;

/** Rejects with RefusedError. */
export async function askStatus(target: ClusterTarget): Promise<StatusReply> {
  const reply = await askFor(target, ["RAFT", "STATUS"], answerMs);
  const status = readStatus(reply);
  if (status === null) throw new RefusedError("the answer is no status");
  return status;
}

/** The reply, unless it is an error: then, or without an answer, it rejects with RefusedError. */
export async function askFor(
  target: ClusterTarget,
  words: readonly Bytes[],
  timeoutMs: number,
): Promise<Reply> {
  const { password } = target;
  try {
    const reply = await ask({ target, password, words, timeoutMs });
    if (reply instanceof ErrorReply) throw new RefusedError(reply.text);
    return reply;
  } catch (error) {
    if (error instanceof NoAnswerError) throw new RefusedError(error.message);
    throw error;
  }
}

/** What the leader says: it alone knows how far the others are. Rejects with RefusedError. */
export async function askLeader(target: ClusterTarget): Promise<StatusReply> {
  const status = await askStatus(target);
  const { fields, members } = status;
  const leader = fields.get("leader");
  if (fields.get("role") === "leader") return status;
  const member = members.find((each) => each.get("id") === leader);
  const place = parseEndpoint(String(member?.get("client-address")));
  if (place === null) throw new RefusedError("there is no leader now");
  return askStatus({ ...place, password: target.password });
}

/** Null when the reply is no status. */
export function readStatus(reply: Reply): StatusReply | null {
  const status = fieldsOf(reply);
  const rows = status?.get("members");
  if (status === null || !Array.isArray(rows)) return null;
  const members = (rows as readonly Reply[]).map(fieldsOf);
  if (!members.every((member) => member !== null)) return null;
  return { fields: status, members };
}

/** A map, which RESP2 flattens to an array of names and values. */
function fieldsOf(reply: Reply): Fields | null {
  if (reply instanceof MapReply) {
    return new Map(plain(reply.entries).map(([name, value]) => [String(name), value]));
  }
  if (!Array.isArray(reply)) return null;
  const list = reply as readonly Reply[];
  const map = new Map<string, Reply>();
  for (let at = 0; at + 1 < list.length; at += 2) map.set(String(list[at]), list[at + 1] ?? null);
  return map;
}
