// The configuration of the running node: CONFIG GET, SET and REWRITE.

import { readFile, realpath, stat } from "node:fs/promises";
import { diskFiles, replaceFile } from "../../disk.ts";
import { errors } from "../../resp/errors.ts";
import { type Bytes, ErrorReply } from "../../resp/reply.ts";
import type { Config as ConfigCommands } from "../../state/commands/session-context.ts";
import { codeOf, describeError } from "../../system-error.ts";
import { type Config, configOf, type LoadedConfig } from "./config.ts";
import { quote, rewriteLines, type WrittenValue } from "./config-file.ts";
import { fixedRows } from "./config-fixed.ts";
import {
  isOptionName,
  type OptionName,
  type OptionValues,
  optionNames,
  optionOf,
} from "./config-options.ts";
import type { Parsed } from "./config-values.ts";
import { clientsThatFit } from "./open-files.ts";

type Pair = readonly [name: string, value: Bytes];

/** Called after an option has got another value; the new one is in `current`. */
export type ChangeListener = (name: OptionName) => void;

export class RuntimeConfig implements ConfigCommands {
  readonly #file: string | null;
  readonly #openFiles: number | null;
  readonly #listeners: ChangeListener[] = [];
  #values: OptionValues;
  #current: Config;

  constructor(loaded: LoadedConfig, openFiles: number | null = null) {
    this.#file = loaded.file;
    this.#openFiles = openFiles;
    this.#values = loaded.values;
    this.#current = loaded.config;
  }

  /** Frozen; another object after every change. */
  get current(): Config {
    return this.#current;
  }

  /** The configuration file, or an empty string. */
  get file(): string {
    return this.#file ?? "";
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** The ports that were taken where 0 asked for any. */
  portsTaken(port: number, peerPort: number): void {
    this.#values = { ...this.#values, port, "peer-port": peerPort };
    this.#current = Object.freeze({ ...this.#current, port, peerPort });
  }

  all(): readonly Pair[] {
    const rows: Pair[] = [...fixedRows].map(([name, row]) => [name, row.value]);
    for (const name of optionNames) {
      if (optionOf(name).hidden !== true) rows.push([name, this.#shown(name)]);
    }
    return rows.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  set(pairs: readonly Pair[]): ErrorReply | null {
    const refused = refusal(pairs);
    if (refused !== null) return refused;
    const values = new Map<string, unknown>(Object.entries(this.#values));
    for (const [spelled, word] of pairs) {
      const name = spelled.toLowerCase();
      if (!isOptionName(name)) continue;
      const parsed = this.#parse(name, word);
      if (!parsed.ok) return errors.configSetFailed(name, parsed.error);
      values.set(name, parsed.value);
    }
    this.#become(Object.fromEntries(values) as OptionValues);
    return null;
  }

  /** Writes the options that can change at run time; all other lines stay as they are. */
  async rewrite(): Promise<ErrorReply | null> {
    if (this.#file === null)
      return new ErrorReply("ERR The server is running without a config file");
    try {
      await rewriteFile(this.#file, (content) => rewriteLines(content, this.#written()));
      return null;
    } catch (error) {
      return new ErrorReply(`ERR Rewriting config file: ${describeError(error)}`);
    }
  }

  #shown(name: OptionName): Bytes {
    if (name === "dir") return optionOf(name).kind.format(this.#current.dir);
    if (name === "peer-port") return String(this.#current.peerPort);
    if (name === "announce") return this.#current.announce;
    return optionOf(name).kind.format(this.#values[name]);
  }

  #written(): ReadonlyMap<string, WrittenValue> {
    const written = new Map<string, WrittenValue>();
    for (const name of optionNames) {
      const { change, kind, default: normal } = optionOf(name);
      if (change !== "mutable") continue;
      const value = this.#values[name];
      const text = kind.formatForFile?.(value) ?? quote(kind.format(value));
      written.set(name, { text, added: value !== normal });
    }
    return written;
  }

  #parse(name: OptionName, word: Bytes): Parsed<unknown> {
    const parsed = optionOf(name).kind.parse([word]);
    if (!parsed.ok || name !== "maxclients" || this.#openFiles === null) return parsed;
    const fit = clientsThatFit(this.#openFiles);
    if (Number(parsed.value) <= fit) return parsed;
    const error =
      "The operating system is not able to handle the specified number of clients, " +
      `try with ${fit}`;
    return { ok: false, error };
  }

  #become(values: OptionValues): void {
    const changed = optionNames.filter((name) => values[name] !== this.#values[name]);
    this.#values = values;
    // Ports that were picked at the start are not picked again.
    const { port, peerPort } = this.#current;
    this.#current = Object.freeze({ ...configOf(values), port, peerPort });
    for (const name of changed) for (const listener of this.#listeners) listener(name);
  }
}

/** The checks that come before any value is looked at, pair by pair as Redis does them. */
function refusal(pairs: readonly Pair[]): ErrorReply | null {
  const seen = new Set<string>();
  for (const [spelled, word] of pairs) {
    const name = spelled.toLowerCase();
    const row = fixedRows.get(name);
    if (row === undefined && !isOptionName(name)) return errors.unknownConfigOption(spelled);
    const problem = row === undefined ? immutability(name) : rowProblem(row, word);
    if (problem !== null) return errors.configSetFailed(spelled, problem);
    if (seen.has(name)) return errors.configSetFailed(spelled, "duplicate parameter");
    seen.add(name);
  }
  return null;
}

function immutability(name: string): string | null {
  const change = isOptionName(name) && optionOf(name).change;
  if (change === "immutable") return "can't set immutable config";
  return change === "protected" ? "can't set protected config" : null;
}

function rowProblem(row: { value: Bytes; accepts: boolean }, word: Bytes): string | null {
  const same = word.trim().toLowerCase() === row.value.toLowerCase();
  return row.accepts && same ? null : "can't set immutable config";
}

/** Through links to the file itself; a file that is gone is written anew. */
async function rewriteFile(file: string, change: (content: Bytes) => Bytes): Promise<void> {
  let target = file;
  let content = "";
  let mode = 0o600;
  try {
    target = await realpath(file);
    content = await readFile(target, "latin1");
    ({ mode } = await stat(target));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  await replaceFile(diskFiles, target, Buffer.from(change(content), "latin1"), mode & 0o777);
}
