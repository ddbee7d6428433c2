// Requests out of bytes: finds their words first, and cuts strings only when somebody asks for them.

import { assert } from "../assert.ts";
import { unauthenticatedBulkBytesMax, unauthenticatedWordsMax } from "../constants.ts";
import { bytesBeginWith, wordIs } from "./ascii.ts";
import { cutBytes } from "./cut-bytes.ts";
import { protocolErrors } from "./errors.ts";
import { splitInline } from "./inline.ts";
import { InputBuffer } from "./input-buffer.ts";
import { parseLength } from "./parse-length.ts";
import type { Bytes, ErrorReply } from "./reply.ts";
import type { RequestLimits } from "./request-limits.ts";
import { UncutRequest } from "./uncut-request.ts";
import { WordPlaces } from "./word-places.ts";

const LF = 10;
const CR = 13;
const ZERO = 48;
const DOLLAR = 36;
const ASTERISK = 42;
const TLS_HANDSHAKE = 22;

/** More digits than these are read by the slow path. */
const fastDigitsMax = 9;
const int32Max = 2 ** 31 - 1;

/** What a step of the scan found. */
type Step = "whole" | "empty" | "more" | "stopped";

/**
 * Bytes in, requests out: arrays of bulk strings, or inline lines; empty requests are skipped.
 * One request is current at a time, and its bytes lie in one piece. Work and copying are linear in
 * the bytes that arrive, however they are cut; nothing is allocated by a count or length that was
 * only claimed. Stricter than Redis: CR must be followed by LF, also after a bulk string.
 * Benchmark: benchmarks/; the plain twin that must agree: test/support/resp-plain-decoder.ts.
 */
export class RequestDecoder {
  limits: RequestLimits;

  readonly #input = new InputBuffer();
  /** Place of the current request, or of the one that is being scanned. */
  #start = 0;
  /** Place up to which it is scanned; its end when it is current. */
  #at = 0;
  /** Bytes after `#at` that are known to hold no line end. */
  #searched = 0;
  /** Bytes from `#start` that the scan cannot go on without. */
  #needed = 0;
  #wordsLeft = 0;
  /** The length from the last header; -1 when a header comes next. */
  #bulkBytes = -1;
  /** Counted from `#start`. */
  #places = new WordPlaces();
  #inlineWords: Bytes[] | null = null;
  #isCurrent = false;
  #isHeld = false;
  #failure: ErrorReply | null = null;
  #silentClose = false;

  constructor(limits: RequestLimits) {
    this.limits = limits;
  }

  /** The protocol error that ends the connection, once `next` has returned false because of it. */
  get failure(): ErrorReply | null {
    return this.#failure;
  }

  /** The connection ends without a word: another protocol speaks here (HTTP, TLS, NUL bytes). */
  get silentClose(): boolean {
    return this.#silentClose;
  }

  /** The buffer that holds the current request at [start, end). Its bytes never change. */
  get buffer(): Buffer {
    return this.#input.bytes;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#at;
  }

  get wordCount(): number {
    return this.#inlineWords?.length ?? this.#places.count;
  }

  /** Bytes that are not consumed: neither by an earlier request nor, unless held, by the current. */
  get bufferedBytes(): number {
    const consumed = this.#isCurrent && !this.#isHeld ? this.#at : this.#start;
    return this.#input.filled - consumed + this.#input.waitingBytes;
  }

  /** Memory of these bytes and of what is known about them, about. */
  get memoryBytes(): number {
    return this.#input.memoryBytes + this.#places.memoryBytes;
  }

  /** Bytes copied to make requests contiguous, since the start. */
  get bytesCopied(): number {
    return this.#input.bytesCopied;
  }

  /** The next bytes of the client. The caller must not change them before it has called `release`. */
  push(chunk: Buffer): void {
    if (chunk.length === 0 || this.#isStopped) return;
    if (!this.#isAtRest) {
      this.#input.push(chunk);
      return;
    }
    this.#input.load(chunk, chunk.length);
    this.#begin(0);
  }

  /** Copies what is not consumed: buffers that were pushed are the caller's alone again. */
  release(): void {
    if (this.#isCurrent && !this.#isHeld) this.#begin(this.#at);
    const start = this.#input.own(this.#start);
    this.#at += start - this.#start;
    this.#start = start;
  }

  /** Replaces all input by [start, end) of a buffer, which is read where it lies. */
  load(buffer: Buffer, start: number, end: number): void {
    assert(start >= 0 && start <= end && end <= buffer.length, "the requests lie in the buffer");
    this.#input.load(buffer, end);
    this.#failure = null;
    this.#silentClose = false;
    this.#isHeld = false;
    this.#isCurrent = false;
    this.#begin(start);
  }

  /** Goes to the next request. False: more bytes are needed, or `failure` or `silentClose` is set. */
  next(): boolean {
    if (this.#isHeld) {
      this.#isHeld = false;
      return true;
    }
    if (this.#isStopped) return false;
    if (this.#isCurrent) this.#begin(this.#at);
    for (;;) {
      const step = this.#scan();
      if (step === "whole") {
        this.#isCurrent = true;
        return true;
      }
      if (step === "empty") this.#begin(this.#at);
      else if (step === "stopped" || !this.#gather()) return false;
    }
  }

  /** Un-consumes the current request: the following `next` returns it again. */
  hold(): void {
    assert(this.#isCurrent, "a request is current");
    this.#isHeld = true;
  }

  /** A word of the current request; it keeps no reference to the buffer. */
  word(at: number): Bytes {
    assert(this.#isCurrent && at >= 0 && at < this.wordCount, "the request has that word");
    return this.#inlineWords?.[at] ?? this.#cut(at);
  }

  /** The words of the current request in an array of the caller's: all, or the beginnings of the first few. */
  words(most = Number.POSITIVE_INFINITY, bytesEach = Number.POSITIVE_INFINITY): Bytes[] {
    if (this.#inlineWords !== null) return this.#inlineWords.slice(0, most);
    // Not by `push`: an array that grows has room for 17 words, and most requests have two or three.
    const words = new Array<Bytes>(Math.min(this.#places.count, most));
    for (let at = 0; at < words.length; at++) words[at] = this.#cut(at, bytesEach);
    return words;
  }

  /** The current request, which comes as an array and is not asked for its words any more. */
  uncut(): UncutRequest {
    const places = this.#places;
    this.#places = new WordPlaces();
    return new UncutRequest(this.#input.kept(this.#start, this.#at), places);
  }

  /** True when word 0 is this name, which is in lower case; A to Z alone fold. Allocates nothing. */
  nameEquals(lowerCaseName: Bytes): boolean {
    assert(this.#isCurrent, "a request is current");
    return this.#isNamed(lowerCaseName);
  }

  #cut(at: number, most = Number.POSITIVE_INFINITY): Bytes {
    const start = this.#places.start(at);
    const end = Math.min(this.#places.end(at), start + most);
    return cutBytes(this.#input.bytes, this.#start + start, this.#start + end);
  }

  #isNamed(lowerCaseName: Bytes): boolean {
    const inline = this.#inlineWords?.[0];
    if (inline !== undefined) return wordIs(inline, lowerCaseName);
    const start = this.#places.start(0);
    return (
      this.#places.end(0) - start === lowerCaseName.length &&
      bytesBeginWith(this.#input.bytes, this.#start + start, lowerCaseName)
    );
  }

  /** Nothing is left over: the usual case, in which a chunk is read where it lies. */
  get #isAtRest(): boolean {
    const { filled, waitingBytes } = this.#input;
    if (this.#isHeld || this.#at !== filled || waitingBytes > 0) return false;
    return this.#isCurrent || this.#start === filled;
  }

  get #isStopped(): boolean {
    return this.#silentClose || this.#failure !== null;
  }

  /** Forgets the request before, and expects one at a place. */
  #begin(start: number): void {
    this.#start = start;
    this.#moveTo(start);
    this.#isCurrent = false;
    this.#places.clear();
    this.#wordsLeft = 0;
    this.#bulkBytes = -1;
    this.#inlineWords = null;
  }

  #moveTo(at: number): void {
    this.#at = at;
    this.#searched = 0;
  }

  /** True when the scan can go on: its places are counted anew if the bytes have moved. */
  #gather(): boolean {
    const gathered = this.#input.gather(this.#start, this.#needed);
    const start = gathered === -1 ? this.#input.compact(this.#start) : gathered;
    this.#at += start - this.#start;
    this.#start = start;
    return gathered !== -1;
  }

  #needs(upTo: number): Step {
    this.#needed = upTo - this.#start;
    return "more";
  }

  #fail(failure: ErrorReply): Step {
    this.#failure = failure;
    return this.#stop();
  }

  #closeSilently(): Step {
    this.#silentClose = true;
    return this.#stop();
  }

  #stop(): Step {
    this.#input.clear();
    this.#begin(0);
    return "stopped";
  }

  #scan(): Step {
    if (this.#wordsLeft === 0) {
      if (this.#at >= this.#input.filled) return this.#needs(this.#at + 1);
      if (this.#input.bytes[this.#at] !== ASTERISK) return this.#scanInline();
      const count = this.#readCount();
      if (typeof count !== "number") return count;
      if (count <= 0) return "empty";
      this.#wordsLeft = count;
    }
    return this.#scanWords();
  }

  /** The number of words, or why there is none. */
  #readCount(): number | Step {
    const fast = this.#readFast();
    const count = fast === -1 ? this.#readSlow(ASTERISK, protocolErrors.bigMultibulkCount) : fast;
    if (typeof count !== "number") return count;
    if (Number.isNaN(count) || count > int32Max) return this.#fail(protocolErrors.multibulkLength);
    if (!this.limits.authenticated && count > unauthenticatedWordsMax) {
      return this.#fail(protocolErrors.unauthenticatedMultibulkLength);
    }
    return count > this.limits.words ? this.#fail(protocolErrors.multibulkLength) : count;
  }

  #scanWords(): Step {
    const { bytes, filled } = this.#input;
    while (this.#wordsLeft > 0) {
      if (this.#bulkBytes === -1) {
        const step = this.#readBulkBytes();
        if (step !== null) return step;
      }
      const start = this.#at;
      const end = start + this.#bulkBytes;
      if (end + 2 > filled) return this.#needs(end + 2);
      if (bytes[end] !== CR || bytes[end + 1] !== LF) return this.#fail(protocolErrors.bulkEnd);
      this.#places.add(start - this.#start, end - this.#start);
      this.#wordsLeft--;
      this.#moveTo(end + 2);
      this.#bulkBytes = -1;
    }
    return this.#isCrossProtocol() ? this.#closeSilently() : "whole";
  }

  /** Reads the header of a bulk string into `#bulkBytes`; null when that went well. */
  #readBulkBytes(): Step | null {
    // Reading beyond the end of a buffer can make V8 give up on every access after it.
    if (this.#at >= this.#input.filled) return this.#needs(this.#at + 1);
    const isBulk = this.#input.bytes[this.#at] === DOLLAR;
    const fast = isBulk ? this.#readFast() : -1;
    const length = fast === -1 ? this.#readSlow(DOLLAR, protocolErrors.bigBulkCount) : fast;
    if (typeof length !== "number") return length;
    if (!(length >= 0 && length <= this.limits.bulkBytes)) {
      return this.#fail(protocolErrors.bulkLength);
    }
    if (!this.limits.authenticated && length > unauthenticatedBulkBytesMax) {
      return this.#fail(protocolErrors.unauthenticatedBulkLength);
    }
    if (this.#at - this.#start + length + 2 > this.limits.requestBytes) {
      return this.#fail(protocolErrors.bigRequest);
    }
    this.#bulkBytes = length;
    return null;
  }

  /** The usual header: a mark, few digits, CR LF. Returns -1, having read nothing, for others. */
  #readFast(): number {
    const { bytes, filled } = this.#input;
    const first = this.#at + 1;
    let at = first;
    const limit = Math.min(filled, first + fastDigitsMax + 1);
    let value = 0;
    while (at < limit) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    const digits = at - first;
    if (at + 1 >= filled || bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
    if (digits === 0 || digits > fastDigitsMax) return -1;
    if (bytes[first] === ZERO && digits > 1) return -1;
    this.#moveTo(at + 2);
    return value;
  }

  /** Any header: its number, NaN when it is none, or why it cannot be read yet or ever. */
  #readSlow(mark: number, tooBig: ErrorReply): number | Step {
    const { bytes, filled } = this.#input;
    const lineEnd = this.#findLineEnd(CR);
    if (lineEnd === -1) {
      return filled - this.#at > this.limits.inlineBytes
        ? this.#fail(tooBig)
        : this.#needs(filled + 1);
    }
    if (lineEnd + 1 >= filled) return this.#needs(lineEnd + 2);
    const got = bytes[this.#at] ?? 0;
    if (got !== mark) {
      return this.#fail(protocolErrors.expectedBulk(String.fromCharCode(got)));
    }
    const text = bytes.toString("latin1", this.#at + 1, lineEnd);
    if (bytes[lineEnd + 1] !== LF) return Number.NaN;
    this.#moveTo(lineEnd + 2);
    return parseLength(text);
  }

  /** Looks for a byte within the longest line from `#at`, going on where it stopped; -1: not found. */
  #findLineEnd(byte: number): number {
    const { bytes, filled } = this.#input;
    const limit = Math.min(filled, this.#at + this.limits.inlineBytes + 1);
    for (let at = this.#at + this.#searched; at < limit; at++) {
      if (bytes[at] === byte) return at;
    }
    this.#searched = Math.max(this.#searched, limit - this.#at);
    return -1;
  }

  #scanInline(): Step {
    const { bytes, filled } = this.#input;
    if (bytes[this.#at] === TLS_HANDSHAKE) return this.#closeSilently();
    const from = this.#at + this.#searched;
    const newline = this.#findLineEnd(LF);
    const searchedTo = newline === -1 ? this.#at + this.#searched : newline;
    if (bytes.subarray(from, searchedTo).includes(0)) return this.#closeSilently();
    if (newline === -1) {
      return filled - this.#at > this.limits.inlineBytes
        ? this.#fail(protocolErrors.bigInline)
        : this.#needs(filled + 1);
    }
    const hasReturn = newline > this.#at && bytes[newline - 1] === CR;
    const lineEnd = hasReturn ? newline - 1 : newline;
    const words = splitInline(bytes.toString("latin1", this.#at, lineEnd));
    if (words === null) return this.#fail(protocolErrors.unbalancedQuotes);
    this.#moveTo(newline + 1);
    if (words.length === 0) return "empty";
    this.#inlineWords = words;
    return this.#isCrossProtocol() ? this.#closeSilently() : "whole";
  }

  /** A browser that was sent here: what follows is not the client's own will (Redis does the same). */
  #isCrossProtocol(): boolean {
    return this.#isNamed("post") || this.#isNamed("host:");
  }
}
