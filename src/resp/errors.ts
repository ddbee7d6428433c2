// Every error a client can meet, in one list; the exact words are part of the protocol.

import { ErrorReply } from "./reply.ts";

const error = (text: string) => new ErrorReply(text);

/** Constants where the words never change, functions where they name something. */
export const errors = {
  wrongType: error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  notAnInteger: error("ERR value is not an integer or out of range"),
  notAFloat: error("ERR value is not a valid float"),
  overflow: error("ERR increment or decrement would overflow"),
  syntax: error("ERR syntax error"),
  noSuchKey: error("ERR no such key"),
  noAuth: error("NOAUTH Authentication required."),
  arity: (name: string) => error(`ERR wrong number of arguments for '${name}' command`),
} as const;
