// The network between nodes: TCP connections that are dialled, carry frames in order, stall, and break.
//
// It behaves as src/net/peers does: one connection per direction, dialled by the one who sends; a lost one is
// dialled again at once, then ever more slowly; a silent one is closed. Frames that are queued or under way when it
// breaks are lost. A packet that the network loses is sent again by TCP, so everything behind it comes late. What a
// link carries at a time, and how urgent frames overtake bulk, is in link.ts.

import {
  peerBackoffMaxMs,
  peerBackoffMinMs,
  peerDialMs,
  peerPingMs,
  peerSilentPingsMax,
} from "../../src/constants.ts";
import { Chance } from "./chance.ts";
import { type Frame, type Host, Lane, type Link, newLink, type Sent } from "./link.ts";
import type { World } from "./world.ts";

const ms = 1_000;
/** More than are ever given to members. */
const idsMax = 1_000;
/** TCP sends a lost packet again after this long, doubled each time. */
const resendUs = 200 * ms;
/** A queue whose receiver takes nothing is looked at this often. */
const lookUs = 20 * ms;

export class Network {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #links = new Map<number, Link>();

  constructor(world: World, hosts: readonly Host[]) {
    this.#world = world;
    this.#chance = new Chance(world.plan.seed, "network");
    for (const from of hosts) {
      for (const to of hosts)
        if (from !== to) this.#links.set(this.#key(from.id, to.id), this.#newLink(from, to));
    }
    for (const each of this.#links.values()) this.#pingLater(each);
  }

  #newLink(from: Host, to: Host): Link {
    const { network, limits } = this.#world.plan;
    const { bytesPerSecond, windowBytes } = network.links;
    const lane = new Lane({
      ...{ bytesPerSecond, windowBytes, queueBytesMax: limits.peerQueueBytesMax },
      delay: () => this.#delay(),
      overtakes: () => this.#world.marks.met("urgent frame overtakes bulk"),
    });
    return newLink(from, to, lane);
  }

  #key(from: number, to: number): number {
    return from * idsMax + to;
  }

  #link(from: number, to: number): Link {
    const found = this.#links.get(this.#key(from, to));
    if (found === undefined) throw new Error(`there is no link from ${from} to ${to}`);
    return found;
  }

  // --- Processes ---------------------------------------------------------------------------------

  /** The process runs: it dials whom it knows of. */
  started(id: number, peers: ReadonlySet<number>): void {
    for (const each of this.#links.values()) if (each.from.id === id) each.isWanted = false;
    this.setPeers(id, peers);
  }

  /** New ones are dialled, missing ones left. */
  setPeers(id: number, peers: ReadonlySet<number>): void {
    for (const each of this.#links.values()) {
      if (each.from.id !== id || each.isWanted === peers.has(each.to.id)) continue;
      each.isWanted = !each.isWanted;
      each.attempts = 0;
      each.told = "nothing";
      if (each.isWanted) this.#dialLater(each, 0);
      else this.#close(each, "closed");
    }
  }

  /** The process is gone. What its kernel had taken may still arrive, unless the power is gone too. */
  ended(id: number, powerToo: boolean): void {
    for (const each of this.#links.values()) {
      if (each.from.id === id) this.#release(each, powerToo);
      else if (each.to.id === id) this.#orphan(each);
    }
  }

  #release(each: Link, powerToo: boolean): void {
    // What its own queue held is gone with it.
    const under = each.state === "up" ? each.lane.frames : [];
    const kept = powerToo ? this.#chance.below(under.length + 1) : under.length;
    this.#close(each, "closed");
    const { epoch } = each;
    for (const frame of under.slice(0, kept)) {
      this.#world.timeline.at(frame.arrives, () => {
        // A new connection of that node takes the place of the old one.
        if (each.epoch !== epoch || each.isBlocked || !each.to.isUp) return;
        this.#world.marks.met("frame of a dead process delivered");
        this.#hand(each, frame);
      });
    }
  }

  #orphan(each: Link): void {
    this.#lose(each);
    if (each.state !== "up") return;
    each.isOrphan = true;
    this.#resetSoon(each);
  }

  #resetSoon(each: Link): void {
    const { epoch } = each;
    this.#world.timeline.after(this.#delay(), () => {
      if (each.epoch === epoch && !this.#isCut(each)) this.#lost(each);
    });
  }

  // --- Faults ------------------------------------------------------------------------------------

  /** Nothing travels this way until `unblock`; connections notice by silence only. */
  block(from: number, to: number): void {
    this.#link(from, to).isBlocked = true;
  }

  unblock(from: number, to: number): void {
    const each = this.#link(from, to);
    if (!each.isBlocked) return;
    each.isBlocked = false;
    if (each.isOrphan) this.#resetSoon(each);
    else this.#goOn(each);
  }

  unblockAll(): void {
    for (const { from, to } of this.#links.values()) this.unblock(from.id, to.id);
  }

  /** From now on no link is thin. */
  widen(): void {
    for (const each of this.#links.values()) {
      each.lane.widen();
      this.#goOn(each);
    }
  }

  /** The connection breaks: both ends learn of it, and what was under way is lost. */
  reset(from: number, to: number): void {
    const each = this.#link(from, to);
    if (each.state === "up") this.#lost(each);
  }

  // --- Frames ------------------------------------------------------------------------------------

  /** False: there is no connection, or too much waits for it. */
  send(from: number, to: number, sent: Sent): boolean {
    const each = this.#links.get(this.#key(from, to));
    // None: a member that was let in under a further id, and never came.
    if (each?.state !== "up") return false;
    if (each.isOrphan) return true;
    if (!each.lane.add(sent, this.#world.timeline.now)) {
      this.#world.marks.met("peer queue full");
      return false;
    }
    this.#goOn(each);
    return true;
  }

  /** Of one packet, with what TCP needs to send it again. */
  #delay(): number {
    const { delayMinUs, delayMeanUs, loss } = this.#world.plan.network;
    let delay = delayMinUs + this.#chance.exponential(delayMeanUs);
    for (let again = resendUs; loss > 0 && this.#chance.happens(loss); again *= 2) delay += again;
    return Math.round(delay);
  }

  #goOn(each: Link): void {
    this.#pump(each);
    this.#deliverNext(each);
  }

  /** Bulk goes onto the wire as far as the receiver acknowledges. */
  #pump(each: Link): void {
    const { lane, epoch } = each;
    if (lane.isPumping || !lane.hasQueue) return;
    const { timeline } = this.#world;
    const isHeld = each.isBlocked || each.to.isPaused;
    const next = isHeld ? timeline.now + lookUs : lane.pump(timeline.now);
    if (next === null) return;
    lane.isPumping = true;
    timeline.at(Math.ceil(next), () => {
      if (each.epoch !== epoch) return;
      lane.isPumping = false;
      this.#goOn(each);
    });
  }

  #deliverNext(each: Link): void {
    const { lane, epoch } = each;
    const [first] = lane.frames;
    if (first === undefined || each.isBlocked || first.arrives >= lane.wakesAt) return;
    lane.wakesAt = first.arrives;
    this.#world.timeline.at(first.arrives, () => {
      // An urgent frame may have come in before, with an event of its own.
      if (each.epoch !== epoch || lane.wakesAt < first.arrives) return;
      lane.wakesAt = Number.POSITIVE_INFINITY;
      this.#deliver(each, epoch);
    });
  }

  /** What has arrived by now, as long as the connection stands. */
  #deliver(each: Link, epoch: number): void {
    const { now } = this.#world.timeline;
    while (each.epoch === epoch && !each.isBlocked) {
      const [first] = each.lane.frames;
      if (first === undefined || first.arrives > now) break;
      each.lane.frames.shift();
      this.#hand(each, first);
    }
    if (each.epoch === epoch) this.#deliverNext(each);
  }

  #hand(each: Link, { kind, body }: Frame): void {
    this.#world.steps += 1;
    this.#world.trace.note(each.to.id, "frame of kind %y from node %x", each.from.id, kind);
    each.to.frame(each.from.id, kind, body);
  }

  // --- Connections -------------------------------------------------------------------------------

  #lose({ lane }: Link): void {
    const { marks, timeline } = this.#world;
    if (lane.frames.length > 0) marks.met("connection lost with frames under way");
    if (lane.hasQueue) marks.met("queue lost with its connection");
    lane.clear(timeline.now);
  }

  #isCut(each: Link): boolean {
    return each.isBlocked || this.#link(each.to.id, each.from.id).isBlocked;
  }

  #close(each: Link, state: Link["state"]): void {
    this.#lose(each);
    each.epoch += 1;
    each.state = state;
    each.isOrphan = false;
    each.silentPings = 0;
  }

  /** An established connection is gone: the dialler tries again at once. */
  #lost(each: Link): void {
    this.#close(each, "waiting");
    this.#tell(each, false);
    each.attempts = 0;
    this.#dialLater(each, 0);
  }

  #dialLater(each: Link, delay: number): void {
    each.epoch += 1;
    each.state = "waiting";
    const { epoch } = each;
    this.#world.timeline.after(delay, () => {
      if (each.epoch === epoch) this.#dial(each);
    });
  }

  #dial(each: Link): void {
    if (!each.from.isUp) {
      each.state = "closed";
      return;
    }
    each.state = "dialling";
    const { epoch } = each;
    const { timeline } = this.#world;
    const settle = (act: () => void) => () => {
      if (each.epoch === epoch && each.state === "dialling") act();
    };
    // There and back twice: the connection, and the handshake.
    timeline.after(
      this.#delay() + this.#delay(),
      settle(() => this.#answered(each)),
    );
    timeline.after(
      peerDialMs * ms,
      settle(() => this.#failed(each, false)),
    );
  }

  #answered(each: Link): void {
    if (this.#isCut(each) || each.from.isPaused) return;
    if (!each.to.isUp) this.#failed(each, true);
    else if (!each.to.isPaused) this.#up(each);
  }

  #up(each: Link): void {
    this.#close(each, "up");
    each.attempts = 0;
    each.told = "up";
    this.#world.trace.note(each.from.id, "connected to node %x", each.to.id);
    each.from.connected(each.to.id);
    if (each.state === "up" && each.to.hasRemoved(each.from.id)) {
      this.#tellRemoved(each);
      return;
    }
    const back = this.#link(each.to.id, each.from.id);
    // Whoever is dialled knows that the other one lives.
    if (back.state === "waiting") this.#dialLater(back, 0);
  }

  /** Whoever is dialled by a removed node tells it so. */
  #tellRemoved(each: Link): void {
    const { epoch } = each;
    this.#world.timeline.after(this.#delay(), () => {
      if (each.epoch !== epoch || this.#isCut(each) || each.to.isPaused) return;
      this.#world.marks.met("removed node told by a member");
      each.from.removed(each.to.id);
    });
  }

  #failed(each: Link, refused: boolean): void {
    this.#close(each, "waiting");
    if (refused) this.#world.marks.met("dialled a dead process");
    this.#tell(each, refused);
    const grown = Math.min(peerBackoffMaxMs, peerBackoffMinMs * 2 ** Math.min(each.attempts, 20));
    each.attempts += 1;
    const full = refused ? peerBackoffMaxMs : grown;
    this.#dialLater(each, full * (0.5 + this.#chance.next() / 2) * ms);
  }

  #tell(each: Link, refused: boolean): void {
    const isNews = each.told === "up" || (refused && each.told !== "refused");
    if (!isNews) return;
    each.told = each.told === "up" ? "down" : "refused";
    this.#world.trace.note(each.from.id, `${each.told}: node %x`, each.to.id);
    each.from.disconnected(each.to.id, each.told === "refused");
  }

  #pingLater(each: Link): void {
    this.#world.timeline.after(peerPingMs * ms, () => {
      if (each.state === "up") this.#ping(each);
      this.#pingLater(each);
    });
  }

  #ping(each: Link): void {
    const isSilent = this.#isCut(each) || each.to.isPaused || each.isOrphan;
    each.silentPings = isSilent && !each.from.isPaused ? each.silentPings + 1 : 0;
    if (each.isOrphan && !this.#isCut(each)) this.#lost(each);
    else if (each.silentPings >= peerSilentPingsMax) {
      this.#world.marks.met("connection closed after silence");
      this.#lost(each);
    } else if (!isSilent && each.to.hasRemoved(each.from.id)) this.#tellRemoved(each);
  }
}
