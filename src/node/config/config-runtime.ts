// The configuration of the running node: CONFIG GET, SET and REWRITE.

import { readFile, realpath, stat } from "node:fs/promises";
import { diskFiles, replaceFile } from "../../disk.ts";
import { errors } from "../../resp/errors.ts";
import { type Bytes, ErrorReply } from "../../resp/reply.ts";
import type { Config as ConfigCommands } from "../../state/commands/session-context.ts";
import { isReplicatedSetting, type ReplicatedSetting } from "../../state/execution/settings.ts";
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
type SettingPair = readonly [name: ReplicatedSetting, value: Bytes];

/** The cluster's settings, as this node knows and changes them. */
export interface ClusterSettings {
  /** Null: the cluster has set nothing yet. */
  text(name: ReplicatedSetting): Bytes | null;
  /** False: it is what follows from the machines, and nobody has set it. */
  isChosen(name: ReplicatedSetting): boolean;
  /** Resolves when the change is committed and applied here, or with an error. */
  set(pairs: readonly SettingPair[]): Promise<ErrorReply | null>;
}

/** Called after an option has got another value; the new one is in `current`. */
export type ChangeListener = (name: OptionName) => void;

export class RuntimeConfig implements ConfigCommands {
  readonly #file: string | null;
  readonly #openFiles: number | null;
  readonly #given: LoadedConfig["given"];
  #cluster: ClusterSettings | null = null;
  readonly #listeners: ChangeListener[] = [];
  #values: OptionValues;
  #current: Config;

  constructor(loaded: LoadedConfig, openFiles: number | null = null) {
    this.#file = loaded.file;
    this.#openFiles = openFiles;
    this.#given = loaded.given;
    this.#values = loaded.values;
    this.#current = loaded.config;
  }

  /** From now on the replicated options are what the cluster says. */
  follow(cluster: ClusterSettings): void {
    this.#cluster = cluster;
  }

  /** What was said at the start of options that are replicated, in the words of the log. */
  get givenSettings(): readonly SettingPair[] {
    return [...this.#given]
      .filter(isReplicatedSetting)
      .map((name) => [name, optionOf(name).kind.format(this.#values[name])]);
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

  /** All or nothing: this node's own options change when the replicated ones are committed. */
  async set(pairs: readonly Pair[]): Promise<ErrorReply | null> {
    const refused = refusal(pairs);
    if (refused !== null) return refused;
    const values = new Map<OptionName, unknown>();
    const replicated: SettingPair[] = [];
    for (const [spelled, word] of pairs) {
      const name = spelled.toLowerCase();
      if (!isOptionName(name)) continue;
      const parsed = this.#parse(name, word);
      if (!parsed.ok) return errors.configSetFailed(name, parsed.error);
      values.set(name, parsed.value);
      if (isReplicatedSetting(name)) {
        replicated.push([name, optionOf(name).kind.format(parsed.value)]);
      }
    }
    if (replicated.length > 0) {
      // While the node brings its state back nobody can put it into the log.
      if (this.#cluster === null) return errors.loading;
      const failed = await this.#cluster.set(replicated);
      if (failed !== null) return failed;
    }
    this.#become({ ...this.#values, ...Object.fromEntries(values) });
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
    const applied = isReplicatedSetting(name) ? this.#cluster?.text(name) : null;
    return applied ?? optionOf(name).kind.format(this.#values[name]);
  }

  #written(): ReadonlyMap<string, WrittenValue> {
    const written = new Map<string, WrittenValue>();
    for (const name of optionNames) {
      const { change, kind, default: normal } = optionOf(name);
      if (change !== "mutable" || !this.#isChosen(name)) continue;
      const value = this.#present(name);
      const text = kind.formatForFile?.(value) ?? quote(kind.format(value));
      written.set(name, { text, added: value !== normal });
    }
    return written;
  }

  #isChosen(name: OptionName): boolean {
    return this.#cluster === null || !isReplicatedSetting(name) || this.#cluster.isChosen(name);
  }

  /** A replicated option as the cluster has it. */
  #present(name: OptionName): unknown {
    const applied = isReplicatedSetting(name) ? this.#cluster?.text(name) : null;
    const parsed = applied == null ? null : optionOf(name).kind.parse([applied]);
    return parsed?.ok === true ? parsed.value : this.#values[name];
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
