// Sends one command sequence to two servers on fresh connections and compares every reply.

import { encodeRequest, RawClient, type Words } from "../support/raw-client.ts";
import { splitReplies } from "../support/raw-replies.ts";
import { sameReply } from "./normalisers.ts";

export interface Side {
  readonly name: string;
  readonly port: number;
}

export interface Sides {
  readonly oracle: Side;
  readonly target: Side;
}

export interface Mismatch {
  /** Position in the sequence. */
  readonly at: number;
  readonly oracle: string;
  readonly target: string;
}

export type Protocol = 2 | 3;

/** Commands sent at once; a batch is compared before the next one leaves. */
const batchSize = 100;

/** Both servers emptied, one connection to each, in one protocol. */
async function open(side: Side, protocol: Protocol): Promise<RawClient> {
  const client = await RawClient.connect(side.port);
  const hello = await client.ask("HELLO", String(protocol));
  if (hello.startsWith("-")) throw new Error(`${side.name} refuses HELLO ${protocol}: ${hello}`);
  const flushed = await client.ask("FLUSHALL");
  if (flushed !== "+OK\r\n") throw new Error(`${side.name} answers FLUSHALL with ${flushed}`);
  return client;
}

/** Null when every reply is the same; otherwise the first one that is not. */
export function compare(
  sides: Sides,
  protocol: Protocol,
  commands: readonly Words[],
): Promise<Mismatch | null> {
  const parts: Words[][] = [];
  for (let start = 0; start < commands.length; start += batchSize) {
    parts.push(commands.slice(start, start + batchSize));
  }
  return compareParts(sides, protocol, { parts, pauseMs: 0 });
}

/** The same with a pause between parts, so that a key can fall due. */
export async function compareParts(
  sides: Sides,
  protocol: Protocol,
  { parts, pauseMs }: { parts: readonly (readonly Words[])[]; pauseMs: number },
): Promise<Mismatch | null> {
  const [oracle, target] = await Promise.all([
    open(sides.oracle, protocol),
    open(sides.target, protocol),
  ]);
  try {
    const silence = new Silence();
    let start = 0;
    for (const part of parts) {
      if (start > 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const mismatch = await compareBatch({ oracle, target, silence }, part);
      if (mismatch !== null) return { ...mismatch, at: start + mismatch.at };
      start += part.length;
    }
    return null;
  } finally {
    oracle.close();
    target.close();
  }
}

interface Connections {
  readonly oracle: RawClient;
  readonly target: RawClient;
  readonly silence: Silence;
}

async function compareBatch(
  { oracle, target, silence }: Connections,
  batch: readonly Words[],
): Promise<Mismatch | null> {
  // CLIENT REPLY ON at the end makes sure that the marker behind the batch is answered.
  const sent = [...batch, ["CLIENT", "REPLY", "ON"]];
  const bytes = sent.map(encodeRequest).join("");
  const answered = sent
    .map((words, at) => (silence.answers(words) ? at : -1))
    .filter((at) => at >= 0);
  const [oracleBytes, targetBytes] = await Promise.all([
    oracle.batch(bytes),
    target.batch(bytes).catch((error: unknown) => Buffer.from(`!harness: ${String(error)}`)),
  ]);
  if (oracleBytes.equals(targetBytes)) return null;
  const ours = splitReplies(oracleBytes).replies;
  if (ours.length !== answered.length) {
    throw new Error(`the oracle gave ${ours.length} replies where ${answered.length} are expected`);
  }
  if (targetBytes.toString("latin1", 0, 9) === "!harness:") {
    return { at: batch.length - 1, oracle: "(answered)", target: targetBytes.toString("latin1") };
  }
  return firstMismatch(sent, answered, { ours, theirs: splitReplies(targetBytes).replies });
}

function firstMismatch(
  sent: readonly Words[],
  answered: readonly number[],
  { ours, theirs }: { ours: readonly Buffer[]; theirs: readonly Buffer[] },
): Mismatch | null {
  for (const [reply, at] of answered.entries()) {
    const oracle = ours[reply] as Buffer;
    const target = theirs[reply];
    if (target !== undefined && sameReply(sent[at] as Words, oracle, target)) continue;
    return {
      at: Math.min(at, sent.length - 2),
      oracle: oracle.toString("latin1"),
      target: target?.toString("latin1") ?? "(connection closed without a reply)",
    };
  }
  if (theirs.length === answered.length) return null;
  const surplus = theirs[answered.length]?.toString("latin1") ?? "";
  return { at: sent.length - 2, oracle: "(nothing)", target: surplus };
}

/** Follows CLIENT REPLY, to know which commands Redis answers. */
class Silence {
  #mode: "on" | "off" | "skip" = "on";

  answers(words: Words): boolean {
    const [name, sub, option] = words.map((word) => word.toLowerCase());
    const now = this.#mode;
    if (now === "skip") this.#mode = "on";
    if (name === "reset" && words.length === 1) {
      this.#mode = "on";
      return now !== "skip"; // RESET ends the silence before it answers; a skipped reply stays skipped.
    }
    if (name !== "client" || sub !== "reply" || words.length !== 3) return now === "on";
    if (option === "on") {
      this.#mode = "on";
      return true;
    }
    if (option === "off") {
      this.#mode = "off";
      return false;
    }
    if (option !== "skip") return now === "on";
    if (now !== "off") this.#mode = "skip";
    return false;
  }
}
