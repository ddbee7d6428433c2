// What follows a start on damaged files: writes, a checkpoint, an orderly end, and another start.

import { asIndex, asTerm, type Entry } from "../../src/raft/core/types.ts";
import { writeCheckpoint } from "../../src/state/checkpoint/store.ts";
import type { Random } from "../support/log-random.ts";
import { fingerprint } from "./fingerprint.ts";
import { type Started, start } from "./start.ts";
import { Client } from "./writes.ts";

/** Null, or how what was written afterwards got lost. Closes what was started. */
export async function goOn(path: string, first: Started, random: Random): Promise<string | null> {
  const { machine, log, home, identity } = first;
  const client = new Client(random, identity.incarnation);
  for (let left = 3; left > 0; left -= 1) {
    const entry: Entry = {
      term: asTerm(log.hardState.term),
      index: asIndex(log.lastIndex + 1),
      kind: "data",
      data: client.proposal(machine.logTimeMs + 1),
    };
    await new Promise<void>((done) => log.save({ hardState: null, entries: [entry] }, done));
    machine.apply(entry, null);
  }
  const context = { term: log.hardState.term, membershipIndex: 1, membership: "" };
  await writeCheckpoint(home.store, machine, { ...context, pause: () => Promise.resolve() });
  await first.close();

  const second = await start(path);
  if ("refused" in second) return `the life after the damage is refused: ${second.refused}`;
  const isSame = fingerprint(second.machine) === fingerprint(machine);
  await second.close();
  return isSame ? null : "what was written after the damage is not there";
}
