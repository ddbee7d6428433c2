// One client: what it has set on its connection, and the strict order of its requests and replies.

import { assert, InvariantError, unreachable } from "../../assert.ts";
import { smallReplyBytes, wordsAtOnceMax } from "../../constants.ts";
import { errors } from "../../resp/errors.ts";
import {
  type Bytes,
  ErrorReply,
  NoReply,
  type Protocol,
  type PushReply,
  type Reply,
} from "../../resp/reply.ts";
import type { RequestDecoder } from "../../resp/request-decoder.ts";
import type { UncutRequest } from "../../resp/uncut-request.ts";
import { flagsOf, fullName } from "../../state/commands/derive.ts";
import { type CommandFinder, unknownCommand } from "../../state/commands/lookup.ts";
import type { Client, Server } from "../../state/commands/session-context.ts";
import type {
  Command,
  CommandTable,
  ReadCommand,
  SessionContext,
  WriteCommand,
} from "../../state/commands/spec.ts";
import type { Arguments } from "../../state/parse/arguments.ts";
import { refusal } from "./admission.ts";
import type { CommandStat, NodeStats } from "./stats.ts";
import type { Waiter } from "./waiter.ts";

/** Names are shorter; an error quotes no more of an unknown command, and no more bytes of all its words. */
const namesWords = 2;
const quotedWords = 64;
const quotedBytes = 128;

/** What a session needs of its node. */
export interface SessionHost {
  readonly commands: CommandTable;
  readonly finder: CommandFinder;
  readonly server: Server;
  readonly stats: NodeStats;
  /** More requests cannot be taken now; every session is pumped when that is over. */
  readonly isFull: boolean;
  /** See AdmittedClient. */
  refusesWrite(command: WriteCommand, bytes: number): ErrorReply | null;
  write(waiter: Waiter, source: Buffer, start: number, end: number): void;
  /** `locally`: from this node's own state, without asking anybody. */
  read(
    waiter: Waiter,
    command: ReadCommand,
    args: Arguments | UncutRequest,
    locally: boolean,
  ): void;
  /** True while CLIENT PAUSE holds this command back. */
  holds(command: Command): boolean;
  nowMs(): number;
}

/** The connection below a session. */
export interface Wire {
  readonly decoder: RequestDecoder;
  readonly fd: number;
  readonly address: string;
  readonly localAddress: string;
  readonly outputBytes: number;
  /** Many replies wait for the socket: no more requests for now. */
  readonly isOutputFull: boolean;
  /** See Waiter. */
  readonly isCrowded: boolean;
  append(reply: Reply, protocol: Protocol): void;
  /** Writes what was appended at the end of this turn, then calls `pump` again. */
  flushSoon(): void;
  destroy(): void;
}

/** The command that the last name stood for: most clients repeat a command. */
interface Memo {
  /** Its first word in lower case. */
  readonly name: Bytes;
  readonly fullName: Bytes;
  readonly command: Command;
  readonly stat: CommandStat;
}

/**
 * Requests of one kind run together (a run); a request of another kind waits until the run before
 * it is answered.
 *
 * Invariants: `#outstanding` replies are still to come, all of `#run`'s kind; replies are appended
 * in the order of the requests, because writes resolve in log order and reads in batch order.
 */
export class Session implements Client, Waiter {
  readonly id: number;
  readonly createdAtMs: number;
  lastInteractionMs: number;
  lastCommand = "";
  totalInputBytes = 0;
  totalOutputBytes = 0;

  name: Bytes = "";
  libraryName: Bytes = "";
  libraryVersion: Bytes = "";
  database = 0;
  protocol: Protocol = 2;
  readsLocally = false;
  noEvict = false;
  noTouch = false;
  replyMode: "on" | "off" | "skip" = "on";

  readonly #host: SessionHost;
  readonly #stats: NodeStats;
  readonly #wire: Wire;
  readonly #context: SessionContext;
  readonly #authenticatedAtFirst: boolean;
  #memo: Memo | null = null;
  #run: "write" | "read" | "session" = "session";
  #outstanding = 0;
  #state: "open" | "closing" | "closed" = "open";

  constructor(id: number, host: SessionHost, wire: Wire, authenticated: boolean) {
    this.id = id;
    this.#host = host;
    this.#stats = host.stats;
    this.#wire = wire;
    this.#authenticatedAtFirst = authenticated;
    this.createdAtMs = host.nowMs();
    this.lastInteractionMs = this.createdAtMs;
    this.#context = { client: this, server: host.server, commands: host.commands };
  }

  /** The decoder's limits are strict until the client has authenticated. */
  get authenticated(): boolean {
    return this.#wire.decoder.limits.authenticated;
  }
  set authenticated(authenticated: boolean) {
    this.#wire.decoder.limits.authenticated = authenticated;
  }

  refusesWrite(command: WriteCommand): ErrorReply | null {
    const { start, end } = this.#wire.decoder;
    return this.#host.refusesWrite(command, end - start);
  }

  get isLoading(): boolean {
    return this.#host.server.loading !== null;
  }

  get fd(): number {
    return this.#wire.fd;
  }
  get address(): string {
    return this.#wire.address;
  }
  get localAddress(): string {
    return this.#wire.localAddress;
  }
  get queryBufferBytes(): number {
    return this.#wire.decoder.bufferedBytes;
  }
  get outputBytes(): number {
    return this.#wire.outputBytes;
  }
  get isFull(): boolean {
    return this.#wire.isOutputFull;
  }
  get isCrowded(): boolean {
    return this.#wire.isCrowded;
  }
  /** No request waits for its reply. */
  get isIdle(): boolean {
    return this.#outstanding === 0;
  }
  get isGone(): boolean {
    return this.#state === "closed";
  }
  get isClosing(): boolean {
    return this.#state !== "open";
  }

  /**
   * Takes requests as long as they may run now. True: every whole request that has arrived is
   * taken, more bytes are welcome. False: something has to happen first; `pump` is called again.
   */
  pump(): boolean {
    const { decoder } = this.#wire;
    if (this.#host.isFull) return false;
    while (this.#state === "open") {
      if (this.#wire.isOutputFull) return false;
      if (!decoder.next()) return this.#endOfInput();
      if (!this.#take()) {
        decoder.hold();
        return false;
      }
    }
    return true;
  }

  reply(reply: Reply): void {
    assert(this.#outstanding > 0, "a reply answers a request");
    this.#outstanding--;
    this.#append(reply);
  }

  closeAfterReply(): void {
    if (this.#state === "open") this.#state = "closing";
    this.#wire.flushSoon();
  }

  push(message: PushReply): void {
    this.#wire.append(message, this.protocol);
    this.#wire.flushSoon();
  }

  /** The connection is gone. Replies still to come are dropped. */
  closed(): void {
    this.#state = "closed";
  }

  kill(): void {
    this.#wire.destroy();
  }

  reset(): void {
    this.name = "";
    this.database = 0;
    this.protocol = 2;
    this.authenticated = this.#authenticatedAtFirst;
    this.readsLocally = false;
    this.noEvict = false;
    this.noTouch = false;
    // A reply that CLIENT REPLY SKIP has silenced stays silent: that of RESET itself.
    if (this.replyMode === "off") this.replyMode = "on";
  }

  /** False: the current request has to wait. */
  #take(): boolean {
    const { decoder } = this.#wire;
    const found = this.#find(decoder);
    const idle = this.#outstanding === 0;
    if (found === null)
      return (
        idle &&
        this.#refuse(unknownCommand(this.#host.commands, decoder.words(quotedWords, quotedBytes)))
      );
    const { command, stat } = found;
    const refused = refusal(command, decoder.wordCount, this) ?? tooManyWords(command, decoder);
    if (refused !== null) {
      if (!idle) return false;
      stat.rejected++;
      return this.#refuse(refused);
    }
    if (!idle && !this.#joinsRun(command)) return false;
    if (this.#host.holds(command) || this.#mayReplyLargely(command)) return false;
    this.lastCommand = found.fullName;
    stat.calls++;
    this.#stats.commandsProcessed++;
    return this.#start(command, decoder);
  }

  /** What answers with its own words has no room for large ones now. */
  #mayReplyLargely({ kind }: Command): boolean {
    if (!this.#wire.isCrowded || kind === "read" || kind === "write") return false;
    const { start, end } = this.#wire.decoder;
    return end - start > smallReplyBytes;
  }

  /** Writes join writes and reads join reads: those resolve in order. Session commands go alone. */
  #joinsRun(command: Command): boolean {
    return this.#run !== "session" && this.#run === command.kind;
  }

  #start(command: Command, decoder: RequestDecoder): boolean {
    switch (command.kind) {
      case "write":
        this.#run = "write";
        this.#outstanding++;
        this.#host.write(this, decoder.buffer, decoder.start, decoder.end);
        return true;
      case "read":
        this.#run = "read";
        this.#outstanding++;
        this.#host.read(this, command, argumentsOf(decoder), this.readsLocally);
        return true;
      case "session":
      case "container":
        this.#runHere(command, decoder.words());
        return true;
      default:
        return unreachable(command);
    }
  }

  #runHere(command: Extract<Command, { kind: "session" | "container" }>, args: Arguments): void {
    assert(command.run !== undefined, "a container that cannot run was refused by its arity");
    const result = command.run(this.#context, args);
    if (!(result instanceof Promise)) {
      this.#append(result);
      return;
    }
    this.#run = "session";
    this.#outstanding++;
    result.then(
      (reply) => this.reply(reply),
      (error: unknown) => {
        // No mistake of the client: those are replies. Nobody catches this, so it ends the process.
        throw new InvariantError(`the command '${fullName(command)}' failed`, { cause: error });
      },
    );
  }

  #find(decoder: RequestDecoder): Memo | null {
    const memo = this.#memo;
    if (memo !== null && decoder.nameEquals(memo.name)) return memo;
    const { finder } = this.#host;
    const command = finder.find(decoder.words(namesWords, quotedBytes));
    if (command === undefined) return null;
    const stat = this.#stats.of(command);
    const found = { name: command.name, fullName: fullName(command), command, stat };
    // A subcommand is not known by its first word alone.
    if (command.container === undefined && command.kind !== "container") this.#memo = found;
    return found;
  }

  #refuse(error: ErrorReply): true {
    this.#stats.commandsProcessed++;
    this.#append(error);
    return true;
  }

  #endOfInput(): boolean {
    const { decoder } = this.#wire;
    if (decoder.failure === null && !decoder.silentClose) return true;
    if (this.#outstanding > 0) return false;
    if (decoder.failure !== null) this.#append(decoder.failure);
    this.closeAfterReply();
    return false;
  }

  #append(reply: Reply): void {
    if (this.#state === "closed") return;
    this.#wire.flushSoon();
    if (typeof reply === "object" && reply !== null) {
      if (reply instanceof NoReply) return;
      if (reply instanceof ErrorReply) this.#stats.countError(reply);
    }
    if (this.replyMode === "off") return;
    if (this.replyMode === "skip") this.replyMode = "on";
    else this.#wire.append(reply, this.protocol);
  }
}

/** A request that is refused whatever its later words are. Nothing that a session answers itself takes so many. */
function tooManyWords(command: Command, { wordCount }: RequestDecoder): ErrorReply | null {
  const isOwn = command.kind !== "write" && command.kind !== "read";
  return isOwn && wordCount > wordsAtOnceMax ? errors.arity(fullName(command)) : null;
}

function argumentsOf(decoder: RequestDecoder): Arguments | UncutRequest {
  return decoder.wordCount > wordsAtOnceMax ? decoder.uncut() : decoder.words();
}

/** CLIENT PAUSE WRITE holds back what may change data. */
export function mayWrite(command: Command): boolean {
  return command.kind === "write" || flagsOf(command).includes("may_replicate");
}
