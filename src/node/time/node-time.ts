// Time of one node: its log clock, what it tells and hears of clocks, and who looks after them.

import { readU53, writeU53 } from "../../bytes.ts";
import { clockCheckMs, clockWordMs } from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Machine } from "../../state/execution/machine.ts";
import { frameKind, type Peers } from "../frames.ts";
import { tellOthers } from "../tell-others.ts";
import { ClockGuard } from "./clock-guard.ts";
import { Clocks } from "./clocks.ts";
import { ExpiryTicks } from "./expiry-ticks.ts";
import { LogClock } from "./log-clock.ts";

export interface NodeTimeOptions {
  readonly driver: RaftDriver;
  readonly peers: Pick<Peers, "send">;
  /** The wall clock, in Unix ms; it may jump. */
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  readonly machine: Machine;
  readonly mayLead: (member: NodeId) => boolean;
  readonly logger: Logger;
}

export class NodeTime {
  readonly #options: NodeTimeOptions;
  readonly #clocks: Clocks;
  readonly #logClock: LogClock;
  readonly #guard: ClockGuard;
  readonly expiry: ExpiryTicks;
  #nextWordMs = 0;
  #nextCheckMs = 0;

  constructor(options: NodeTimeOptions) {
    this.#options = options;
    const { driver, machine, wallMs, monotonicMs, mayLead, logger } = options;
    this.#clocks = new Clocks({ self: driver.core.id, wallMs, monotonicMs });
    this.#logClock = new LogClock({
      monotonicMs,
      logTimeMs: () => machine.logTimeMs,
      majoritySays: () => this.#clocks.majoritySays(this.#voters),
    });
    const logTimeMs = (): number => this.#logClock.now();
    this.#guard = new ClockGuard({ driver, clocks: this.#clocks, logTimeMs, mayLead, logger });
    this.expiry = new ExpiryTicks({ driver, machine, now: this.now });
  }

  /** What log time would be now, in Unix ms: see `LogClock.now`. */
  readonly now = (): number => {
    this.#noticeJump();
    return this.#logClock.now();
  };

  /** See `LogClock.stamp`. */
  readonly stamp = (): number | null => {
    this.#noticeJump();
    return this.#logClock.stamp();
  };

  /** How far the clock of a member is ahead of this node's, in ms; null when that is not known. */
  clockOffsetMs(member: NodeId): number | null {
    return this.#clocks.offsetMs(member);
  }

  /** Every `tickMs`. */
  tick(): void {
    const nowMs = this.#options.monotonicMs();
    this.now();
    this.expiry.tick(nowMs);
    if (nowMs >= this.#nextWordMs) {
      this.#clocks.forgetSilent();
      this.#tellAll();
    }
    if (nowMs >= this.#nextCheckMs) {
      this.#nextCheckMs = nowMs + clockCheckMs;
      this.#guard.check();
    }
  }

  connected(peer: NodeId): void {
    this.#options.peers.send(peer, frameKind.clock, [this.#word()]);
  }

  /** A frame of `frameKind.clock`. */
  heard(from: NodeId, body: Buffer): void {
    const wallMs = body.length === wordBytes ? readU53(body, 1) : -1;
    if (wallMs < 0) return;
    this.#clocks.told(from, wallMs);
    if (body.readUInt8(0) === 1)
      this.#options.peers.send(from, frameKind.clock, [this.#word(false)]);
  }

  #noticeJump(): void {
    if (!this.#clocks.noticeJump()) return;
    this.#logClock.unsettle();
    this.#tellAll();
  }

  #tellAll(): void {
    const { driver, peers, monotonicMs } = this.#options;
    this.#nextWordMs = monotonicMs() + clockWordMs;
    tellOthers(driver, peers, frameKind.clock, this.#word());
  }

  /** `asks`: the receiver is to answer at once with its own clock. */
  #word(asks = !this.#logClock.isSettled): Buffer {
    const body = Buffer.alloc(wordBytes);
    body.writeUInt8(asks ? 1 : 0, 0);
    writeU53(body, Math.max(0, Math.floor(this.#options.wallMs())), 1);
    return body;
  }

  get #voters(): readonly NodeId[] {
    const { members } = this.#options.driver.core.membership;
    return members.filter(({ voter }) => voter).map(({ id }) => id);
  }
}

/** Whether the sender asks (u8), and its wall clock (u53). */
const wordBytes = 9;
