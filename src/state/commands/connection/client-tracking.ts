// CLIENT GETREDIR and CLIENT TRACKINGINFO: no connection here has tracking, and they say so

import { MapReply, SetReply } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

/** Redis' answer when tracking is off. */
const noRedirection = -1;

export const clientGetredir: SessionCommand = {
  kind: "session",
  name: "getredir",
  summary: "Answers which connection gets the invalidation messages of this one.",
  since: "6.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  run: () => noRedirection,
};

export const clientTrackinginfo: SessionCommand = {
  kind: "session",
  name: "trackinginfo",
  summary: "Answers what client side caching does for this connection.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  run: () =>
    new MapReply([
      ["flags", new SetReply(["off"])],
      ["redirect", noRedirection],
      ["prefixes", []],
    ]),
};
