// RAFT ADD client-address peer-address [directory], RAFT REMOVE id, RAFT TRANSFER [id]

import { addressCharsMax } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import type { Bytes } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import { parseSafeInteger } from "../../parse/integers.ts";
import type { SessionCommand } from "../spec.ts";

const portMax = 65_535;
/** A node that joins says so of its data directory: 128 random bits. */
const directoryPattern = /^[0-9a-f]{32}$/;

export const raftAdd: SessionCommand = {
  kind: "session",
  name: "add",
  summary: "Admits a node as a learner; it votes once it has caught up.",
  since: "0.1.0",
  group: "cluster",
  complexity: "O(1), after the change is committed",
  arity: -4,
  flags: ["admin", "noscript", "stale", "no_multi"],
  arguments: [
    { name: "client-address", type: "string" },
    { name: "peer-address", type: "string" },
    { name: "directory", type: "string", flags: ["optional"] },
  ],
  run({ server }, args) {
    const clientAddress = word(args, 2);
    const peerAddress = word(args, 3);
    for (const address of [clientAddress, peerAddress]) {
      if (!isAddress(address)) return errors.invalidAddress(address);
    }
    const directory = args[4];
    const isUsable = directory === undefined || directoryPattern.test(directory);
    if (args.length > 5 || !isUsable) return errors.syntax;
    return server.raft.add(peerAddress, clientAddress, directory);
  },
};

export const raftRemove: SessionCommand = {
  kind: "session",
  name: "remove",
  summary: "Takes a member out of the cluster, a dead one or the leader too.",
  since: "0.1.0",
  group: "cluster",
  complexity: "O(1), after the change is committed",
  arity: 3,
  flags: ["admin", "noscript", "stale", "no_multi"],
  arguments: [{ name: "id", type: "integer" }],
  run({ server }, args) {
    const id = nodeId(word(args, 2));
    return id === undefined ? errors.invalidNodeId : server.raft.remove(id);
  },
};

export const raftTransfer: SessionCommand = {
  kind: "session",
  name: "transfer",
  summary: "Hands leadership to another member.",
  since: "0.1.0",
  group: "cluster",
  complexity: "O(1), after the new leader has been elected",
  arity: -2,
  flags: ["admin", "noscript", "stale", "no_multi"],
  arguments: [{ name: "id", type: "integer", flags: ["optional"] }],
  run({ server }, args) {
    if (args.length > 3) return errors.syntax;
    const text = args[2];
    const id = text === undefined ? null : nodeId(text);
    return id === undefined ? errors.invalidNodeId : server.raft.transfer(id);
  },
};

function nodeId(text: Bytes): number | undefined {
  const id = parseSafeInteger(text);
  return id === undefined || id < 1 ? undefined : id;
}

/** host:port, where an IPv6 host stands in brackets or bare. */
function isAddress(text: Bytes): boolean {
  if (text.length > addressCharsMax) return false;
  const colon = text.lastIndexOf(":");
  const port = parseSafeInteger(text.slice(colon + 1));
  return colon > 0 && !/[^!-~]/.test(text) && port !== undefined && port >= 1 && port <= portMax;
}
