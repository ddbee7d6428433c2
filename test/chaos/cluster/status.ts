// RAFT STATUS of a node, and other questions to one node, as values.

import { ask } from "../../../src/net/resp-client.ts";
import { ErrorReply, type Reply, SimpleString } from "../../../src/resp/reply.ts";
import type { Address } from "../machine/network.ts";

export interface Member {
  readonly id: number;
  readonly role: string;
  readonly clientAddress: string;
  /** How much of a snapshot it has, as the leader says; null when none is on its way to it. */
  readonly snapshotPercent: number | null;
}

export interface Status {
  readonly nodeId: number;
  /** follower, candidate, leader or learner. */
  readonly role: string;
  readonly term: number;
  /** 0 while none is known. */
  readonly leader: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly Member[];
}

const answerMs = 1_000;

/** The reply of a node; rejects when none comes, or when it is an error. */
export async function question(
  target: Address,
  words: readonly string[],
  timeoutMs = answerMs,
): Promise<Reply> {
  const reply = await ask({ target, password: "", words, timeoutMs });
  if (reply instanceof ErrorReply) throw new Error(`${words.join(" ")}: ${reply.text}`);
  return reply instanceof SimpleString ? reply.text : reply;
}

/** Null when the node does not answer in time: it may be down, paused or out of reach. */
export async function statusOf(target: Address): Promise<Status | null> {
  try {
    return readStatus(await question(target, ["RAFT", "STATUS"]));
  } catch {
    return null;
  }
}

function readStatus(reply: Reply): Status {
  const fields = fieldsOf(reply);
  const number = (name: string) => Number(fields.get(name));
  const members = fields.get("members") as readonly Reply[];
  return {
    nodeId: number("node-id"),
    role: String(fields.get("role")),
    term: number("term"),
    leader: number("leader"),
    commitIndex: number("commit-index"),
    appliedIndex: number("applied-index"),
    members: members.map((member) => {
      const row = fieldsOf(member);
      const percent = row.get("snapshot-percent");
      return {
        id: Number(row.get("id")),
        role: String(row.get("role")),
        clientAddress: String(row.get("client-address")),
        snapshotPercent: typeof percent === "number" ? percent : null,
      };
    }),
  };
}

/** RESP2 flattens a map to names and values. */
function fieldsOf(reply: Reply): Map<string, Reply> {
  const list = reply as readonly Reply[];
  const fields = new Map<string, Reply>();
  for (let at = 0; at + 1 < list.length; at += 2) {
    fields.set(String(list[at]), list[at + 1] ?? null);
  }
  return fields;
}
