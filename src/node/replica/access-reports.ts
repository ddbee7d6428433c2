// Followers tell the leader which keys were read there, because it is the leader that chooses what is evicted.

import { accessReportBytesMax, accessReportKeysMax, accessReportMs } from "../../constants.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Keyspace } from "../../state/keyspace/keyspace.ts";
import { frameKind, type Peers } from "../frames.ts";

export interface AccessReportsPorts {
  readonly driver: Pick<RaftDriver, "isLeader">;
  readonly leader: () => NodeId | null;
  readonly peers: Pick<Peers, "send">;
  readonly keyspace: Keyspace;
  readonly random: () => number;
  /** The log clock, in Unix ms. */
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
}

interface Access {
  readonly database: number;
  readonly key: Bytes;
}

/** Longer keys are not reported: their length has one byte. */
const keyBytesMax = 255;

/** Each read of a period has the same chance to be reported (a reservoir), so what is read often is reported often. */
export class AccessReports {
  readonly #ports: AccessReportsPorts;
  #sample: Access[] = [];
  #reads = 0;
  #nextMs = 0;

  constructor(ports: AccessReportsPorts) {
    this.#ports = ports;
  }

  /** Every `tickMs`. */
  tick(): void {
    const { driver, leader, keyspace, monotonicMs } = this.#ports;
    const isOn = keyspace.policy.first === "idle" || keyspace.policy.first === "rare";
    keyspace.onRead = isOn && !driver.isLeader ? this.#note : null;
    const nowMs = monotonicMs();
    if (this.#sample.length === 0 || nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + accessReportMs;
    const to = leader();
    if (to !== null && !driver.isLeader) this.#report(to);
    this.#sample = [];
    this.#reads = 0;
  }

  /** A frame of `frameKind.accesses`. What is cut short or names nothing that is here is passed over. */
  heard(frame: Buffer): void {
    const { driver, keyspace, nowMs } = this.#ports;
    if (!driver.isLeader || frame.length > accessReportBytesMax) return;
    const atMs = nowMs();
    for (let at = 0; at + 2 <= frame.length; ) {
      const database = frame.readUInt8(at);
      const end = at + 2 + frame.readUInt8(at + 1);
      if (database < keyspace.databases.length && end <= frame.length) {
        keyspace.use(database, frame.toString("latin1", at + 2, end), atMs);
      }
      at = end;
    }
  }

  readonly #note = (database: number, key: Bytes): void => {
    if (key.length > keyBytesMax) return;
    const place = Math.floor(this.#ports.random() * ++this.#reads);
    if (this.#sample.length < accessReportKeysMax) this.#sample.push({ database, key });
    else if (place < accessReportKeysMax) this.#sample[place] = { database, key };
  };

  #report(to: NodeId): void {
    const parts: Buffer[] = [];
    let bytes = 0;
    for (const { database, key } of this.#sample) {
      bytes += 2 + key.length;
      if (bytes > accessReportBytesMax) break;
      parts.push(Buffer.of(database, key.length), Buffer.from(key, "latin1"));
    }
    this.#ports.peers.send(to, frameKind.accesses, [Buffer.concat(parts)]);
  }
}
