// How a new node asks to be let in: RAFT ADD at any node of the cluster, until there is an answer.

import { setTimeout as delay } from "node:timers/promises";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import { ask, NoAnswerError } from "../net/resp-client.ts";
import { type Bytes, ErrorReply, type Reply } from "../resp/reply.ts";
import type { Identity } from "./directory/data-directory.ts";

type NodeId = Identity["nodeId"];

export interface JoinRequest {
  /** Any node of the cluster, by its port for clients. */
  readonly target: Endpoint;
  /** host:port under which clients and peers reach the new node. */
  readonly clientAddress: string;
  readonly peerAddress: string;
  /** The random name of its data directory: see DataDirectory.joiningAs. */
  readonly directory: string;
  /** The cluster's `requirepass`, or empty. */
  readonly password: Bytes;
  /** Told why it waits: one line for every new reason. */
  readonly report: (line: string) => void;
  readonly giveUpMs?: number;
  readonly pauseMs?: number;
}

export interface Invitation {
  readonly clusterId: string;
  /** The new node's own id. */
  readonly nodeId: NodeId;
  /** The new node included. */
  readonly members: readonly {
    readonly id: NodeId;
    readonly peerAddress: string;
    readonly clientAddress: string;
    readonly voter: boolean;
  }[];
}

/** The cluster does not let the node in, or could not be reached: one line. */
export class JoinError extends Error {
  override readonly name = "JoinError";
}

const giveUpMs = 60_000;
const pauseMs = 500;
/** Longer than a change of leader and the replication of one entry. */
const answerMs = 15_000;

/** Errors that go away by themselves: no leader, a change of leader, another change of members. */
const passing =
  /^(?:CLUSTERDOWN|LOADING|TRYAGAIN|UNKNOWN) |under way|being transferred|not committed an entry|does not lead/;

/**
 * Asks until the cluster has given a final answer. Asking again is safe: the leader recognises a directory that it
 * has admitted and whose node it has never heard. Rejects with JoinError.
 */
export async function requestJoin(request: JoinRequest): Promise<Invitation> {
  const target = formatEndpoint(request.target);
  const attempts = Math.ceil((request.giveUpMs ?? giveUpMs) / (request.pauseMs ?? pauseMs));
  let why = "";
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const answer = await attemptOnce(request);
    if (typeof answer !== "string") return answer;
    if (answer !== why) request.report(`waiting to join the cluster at ${target}: ${answer}`);
    why = answer;
    await delay(request.pauseMs ?? pauseMs);
  }
  throw new JoinError(`cannot join the cluster at ${target}: ${why}`);
}

/** The invitation, or why to try again. */
async function attemptOnce(request: JoinRequest): Promise<Invitation | string> {
  const { target, password, clientAddress, peerAddress, directory } = request;
  const words = ["RAFT", "ADD", clientAddress, peerAddress, directory];
  let reply: Reply;
  try {
    reply = await ask({ target, password, words, timeoutMs: answerMs });
  } catch (error) {
    if (error instanceof NoAnswerError) return error.message;
    throw error;
  }
  if (reply instanceof ErrorReply) {
    if (passing.test(reply.text)) return reply.text;
    throw new JoinError(`${formatEndpoint(target)} refuses: ${explained(reply.text)}`);
  }
  const invitation = readInvitation(reply);
  if (invitation === null) {
    throw new JoinError(`${formatEndpoint(target)} gave an answer that is no invitation`);
  }
  return invitation;
}

function explained(text: Bytes): string {
  if (/^(?:NOAUTH|WRONGPASS) /.test(text)) {
    return `${text} Give this node the same KVORUM_REQUIREPASS as the cluster`;
  }
  return /unknown command/.test(text) ? `${text} (is it a kvorum node?)` : text;
}

/** [cluster id, node id, then per member [id, peer address, client address, voter 0 or 1]]. */
function readInvitation(reply: Reply): Invitation | null {
  if (!Array.isArray(reply)) return null;
  const [clusterId, nodeId, ...rows] = reply as readonly Reply[];
  if (typeof clusterId !== "string" || !/^[0-9a-f]{32}$/.test(clusterId)) return null;
  if (typeof nodeId !== "number" || nodeId < 1) return null;
  const members: Invitation["members"][number][] = [];
  for (const row of rows) {
    if (!Array.isArray(row)) return null;
    const [id, peerAddress, clientAddress, voter] = row as readonly Reply[];
    if (typeof id !== "number" || typeof peerAddress !== "string") return null;
    if (typeof clientAddress !== "string" || (voter !== 0 && voter !== 1)) return null;
    members.push({ id: id as NodeId, peerAddress, clientAddress, voter: voter === 1 });
  }
  return { clusterId, nodeId: nodeId as NodeId, members };
}
