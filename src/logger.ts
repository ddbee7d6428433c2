// The only door to pino: readable lines on a terminal, JSON lines everywhere else.

import { type Logger as PinoLogger, pino } from "pino";
import { prettyFactory } from "pino-pretty";

export type Logger = PinoLogger;
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** Redis' names first, then pino's own. */
export const logLevels: ReadonlyMap<string, LogLevel> = new Map([
  ["debug", "debug"],
  ["verbose", "debug"],
  ["notice", "info"],
  ["warning", "warn"],
  ["trace", "trace"],
  ["info", "info"],
  ["warn", "warn"],
  ["error", "error"],
  ["fatal", "fatal"],
  ["silent", "silent"],
]);

/** A JSON line of a log as a person wants to read it; other lines come back as they are. */
export type LineReader = (line: string) => string;

export function createLineReader(colorize: boolean): LineReader {
  return prettyFactory({
    colorize,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname",
    singleLine: true,
  });
}

export interface LogTarget {
  readonly isTTY?: boolean;
  write(line: string): unknown;
}

/**
 * Lines are written at once, so the last words of a process that dies are there. On a terminal they
 * are coloured and short; elsewhere each is one JSON object with pino's usual fields.
 */
export function createLogger(level: LogLevel, target: LogTarget = process.stdout): Logger {
  if (target.isTTY === true) {
    const readable = createLineReader(true);
    return pino({ level, base: null }, { write: (line) => target.write(readable(line)) });
  }
  const stream = target === process.stdout ? pino.destination({ dest: 1, sync: true }) : target;
  return pino({ level }, stream);
}
