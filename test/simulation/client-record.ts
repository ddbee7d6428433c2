// What a client sends and what it writes down: requests in RESP, replies as records of a history.

import type { SessionHost } from "../../src/net/clients/session.ts";
import { NodeStats } from "../../src/net/clients/stats.ts";
import { errors } from "../../src/resp/errors.ts";
import { ErrorReply, type Reply, SimpleString } from "../../src/resp/reply.ts";
import { CommandFinder } from "../../src/state/commands/lookup.ts";
import { commands } from "../../src/state/commands/table.ts";
import type { Json, Operation, Outcome } from "../checking/history.ts";
import { FakeServer } from "../support/session-context.ts";
import type { SimulatedNode } from "./node.ts";
import type { Request } from "./workload.ts";
import { ensure } from "./world.ts";

const finder = new CommandFinder(commands);

/** A request without its reply. */
export interface Asked {
  readonly request: Request;
  readonly node: number;
  readonly call: number;
  /** What was committed by then: a read must show at least this. */
  readonly committed: number;
}

export const inResp = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((each) => `$${each.length}\r\n${each}\r\n`).join("")}`;

export function hostOf(node: SimulatedNode): SessionHost {
  const { replica, machine, room } = node.running;
  const stats = new NodeStats(machine.keyspace.counters);
  return {
    ...{ commands, finder, stats, server: new FakeServer() },
    get isFull(): boolean {
      return replica.isFull;
    },
    write: (waiter, source, start, end) => replica.write(waiter, source, start, end),
    read: (waiter, command, args) => replica.read(waiter, command, args),
    refusesWrite: (command, bytes) => room.refusal(command, bytes),
    holds: () => false,
    nowMs: node.nowMs,
  };
}

export function outcomeOf(reply: Reply): Outcome {
  if (!(reply instanceof ErrorReply)) return "ok";
  if (reply.text.startsWith("UNKNOWN ")) return "info";
  ensure(
    isFullDisk(reply) || reply.text.startsWith("CLUSTERDOWN "),
    "9 refusals",
    () => `unexpected: ${reply.text}`,
  );
  return "fail";
}

export const isFullDisk = (reply: Reply): boolean => reply === errors.diskFull;

export function record(
  { request, node, call }: Asked,
  end: {
    readonly client: number;
    readonly kind: Outcome;
    readonly reply: Reply;
    readonly now: number | null;
  },
): Operation {
  const [name = "", ...args] = request.words;
  const { client, kind, reply, now } = end;
  const res = kind === "ok" ? plain(reply) : null;
  const ret = kind === "info" || now === null ? null : now * 1000;
  return {
    id: request.id,
    client,
    node,
    call: call * 1000,
    ret,
    op: name.toLowerCase(),
    args,
    res,
    kind,
  };
}

function plain(reply: Reply): Json {
  if (reply instanceof SimpleString) return reply.text;
  if (reply === null || typeof reply === "string" || typeof reply === "number") return reply;
  return String(reply);
}
