// Two kinds of clients behind one door: ioredis, as applications use it, and a bare socket.

import { Redis } from "ioredis";
import { ErrorReply, type Reply, SimpleString } from "../../../src/resp/reply.ts";
import { ReplyDecoder } from "../../../src/resp/reply-decoder.ts";
import type { Json } from "../../checking/history.ts";
import { RawClient } from "../../support/raw-client.ts";
import type { Address } from "../machine/network.ts";
import { type Answer, gaveUp } from "./recorder.ts";

export interface Connection {
  /** Never rejects: that nothing came is an answer too. After a lost one the connection is of no use. */
  ask(words: readonly string[]): Promise<Answer>;
  close(): void;
}

export type ConnectionKind = "ioredis" | "raw";

/** Longer than every fault holds: a pause must not look like a loss. */
export const answerMs = 8_000;
const connectMs = 1_000;

/** Rejects when the node cannot be reached. */
export function connectTo(kind: ConnectionKind, address: Address): Promise<Connection> {
  return kind === "ioredis" ? connectIoredis(address) : connectRaw(address);
}

/** @param patienceMs after this long without an answer the client gives up of its own will */
export async function connectRaw(
  { host, port }: Address,
  patienceMs: number = Number.POSITIVE_INFINITY,
): Promise<Connection> {
  const client = await RawClient.connect(port, host);
  return {
    async ask(words) {
      try {
        client.send(words);
        const [bytes] = await client.replies(1, Math.min(answerMs, patienceMs));
        return bytes === undefined ? lost("closed") : answerOf(decode(bytes));
      } catch (error) {
        return lost(patienceMs < answerMs ? gaveUp : (error as Error).message);
      }
    },
    close: () => client.close(),
  };
}

function decode(bytes: Buffer): Reply {
  let decoded: Reply = null;
  const fail = (error: Error) => {
    throw error;
  };
  new ReplyDecoder((reply) => (decoded = reply), fail).push(bytes);
  return decoded;
}

async function connectIoredis({ host, port }: Address): Promise<Connection> {
  const redis = new Redis({
    host,
    port,
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: answerMs,
    // What was sent once is never sent again: an operation of the history is one request.
    autoResendUnfulfilledCommands: false,
    retryStrategy: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
  });
  redis.on("error", () => undefined); // Every command tells its own loss.
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return {
    async ask([name = "", ...args]) {
      try {
        return { type: "reply", value: jsonOf((await redis.call(name, ...args)) as Reply) };
      } catch (error) {
        const { name: kind, message } = error as Error;
        return kind === "ReplyError" ? { type: "error", text: message } : lost(message);
      }
    },
    close: () => redis.disconnect(),
  };
}

const lost = (why: string): Answer => ({ type: "lost", why });

function answerOf(reply: Reply): Answer {
  if (reply instanceof ErrorReply) return { type: "error", text: reply.text };
  return { type: "reply", value: jsonOf(reply) };
}

/** The replies of the commands that the workload sends. */
function jsonOf(reply: Reply): Json {
  if (reply instanceof SimpleString) return reply.text;
  if (typeof reply === "bigint") return String(reply);
  return Array.isArray(reply) ? (reply as readonly Reply[]).map(jsonOf) : (reply as Json);
}
