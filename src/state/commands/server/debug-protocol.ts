// DEBUG PROTOCOL: one example of every kind of reply.

import { errors } from "../../../resp/errors.ts";
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  DoubleReply,
  MapReply,
  PushReply,
  type Reply,
  SetReply,
  VerbatimReply,
} from "../../../resp/reply.ts";
import type { Client } from "../session-context.ts";

const examples: ReadonlyMap<string, Reply> = new Map<string, Reply>([
  ["string", "Hello World"],
  ["integer", 12345],
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: Redis sends exactly this number.
  ["double", new DoubleReply(3.141)],
  ["null", null],
  ["array", [0, 1, 2]],
  ["set", new SetReply([0, 1, 2])],
  ["map", new MapReply([0, 1, 2].map((key) => [key, new BooleanReply(key === 1)]))],
  [
    "attrib",
    new AttributeReply(
      [["key-popularity", ["key:123", 90]]],
      "Some real reply following the attribute",
    ),
  ],
  ["verbatim", new VerbatimReply("This is a verbatim\nstring")],
  ["true", new BooleanReply(true)],
  ["false", new BooleanReply(false)],
  ["bignum", new BigNumberReply("1234567999999999999999999999999999999")],
]);

/** @param type in lower case */
export function protocolExample(client: Client, type: string): Reply {
  const example = examples.get(type);
  if (example !== undefined) return example; // Null is one of them.
  if (type !== "push") return errors.debugProtocolType;
  if (client.protocol === 2) return errors.resp3Only;
  // A push is no reply, so a client that waits for one gets it after the push.
  client.push(new PushReply(["server-cpu-usage", 42]));
  return "Some real reply following the push reply";
}
