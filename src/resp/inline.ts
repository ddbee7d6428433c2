// Inline requests: one line of words, as a person types them, with quotes and escapes.

import type { Bytes } from "./reply.ts";

const escapes = new Map<string, string>([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["a", "\x07"],
]);

/** Words are separated by what C calls space; only these four end a word that has begun. */
const spaces = " \n\r\t\v\f";
const wordEnds = " \n\r\t";
const quotes = "\"'";

interface Piece {
  readonly text: Bytes;
  /** The place after the piece. */
  readonly next: number;
}

/**
 * The words of a line without its line end; none when it is blank, null when quotes are unbalanced
 * or a closing quote is not followed by a space. Rules of redis-cli and the Redis protocol page:
 * in double quotes \xHH \n \r \t \b \a and \ before any other char; in single quotes only \'.
 */
export function splitInline(line: Bytes): Bytes[] | null {
  const words: Bytes[] = [];
  let at = skipSpaces(line, 0);
  while (at < line.length) {
    const word = readWord(line, at);
    if (word === null) return null;
    words.push(word.text);
    at = skipSpaces(line, word.next);
  }
  return words;
}

function skipSpaces(line: Bytes, from: number): number {
  let at = from;
  while (at < line.length && spaces.includes(line.charAt(at))) at++;
  return at;
}

function readWord(line: Bytes, from: number): Piece | null {
  let at = from;
  while (at < line.length && !wordEnds.includes(line.charAt(at))) {
    if (quotes.includes(line.charAt(at))) return endQuoted(line, line.slice(from, at), at);
    at++;
  }
  return { text: line.slice(from, at), next: at };
}

/** A quoted part, at its opening quote, ends the word that it stands in. */
function endQuoted(line: Bytes, before: Bytes, at: number): Piece | null {
  const read = line.charAt(at) === '"' ? readDoubleQuoted : readSingleQuoted;
  const quoted = read(line, at + 1);
  if (quoted === null) return null;
  const next = line.charAt(quoted.next);
  if (next !== "" && !spaces.includes(next)) return null;
  return { text: before + quoted.text, next: quoted.next };
}

/** `from` is the place after the opening quote. */
function readDoubleQuoted(line: Bytes, from: number): Piece | null {
  let text = "";
  let at = from;
  while (at < line.length) {
    const char = line.charAt(at);
    if (char === '"') return { text, next: at + 1 };
    if (char !== "\\" || at + 1 === line.length) {
      text += char;
      at++;
      continue;
    }
    const hex = /^x([0-9a-f]{2})/i.exec(line.slice(at + 1, at + 4))?.[1];
    if (hex !== undefined) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += 4;
    } else {
      const escaped = line.charAt(at + 1);
      text += escapes.get(escaped) ?? escaped;
      at += 2;
    }
  }
  return null;
}

function readSingleQuoted(line: Bytes, from: number): Piece | null {
  let text = "";
  let at = from;
  while (at < line.length) {
    const char = line.charAt(at);
    if (char === "'") return { text, next: at + 1 };
    const isEscapedQuote = char === "\\" && line.charAt(at + 1) === "'";
    text += isEscapedQuote ? "'" : char;
    at += isEscapedQuote ? 2 : 1;
  }
  return null;
}
