// What clients asked and what they were told: one record per operation, written as NDJSON.

/** What a request or a reply is made of. Bytes are binary strings, one char per byte. */
export type Json = null | string | number | readonly Json[];

/**
 * What a client knows about the effect of its operation.
 * - `ok`: the reply came, so it took effect, once, between call and return.
 * - `fail`: a definite error, so it never took effect and nobody may ever see it.
 * - `info`: no reply, or an unknown outcome: it takes effect once at any time after its call, or never.
 */
export type Outcome = "ok" | "fail" | "info";

const outcomes: readonly Json[] = ["ok", "fail", "info"] satisfies Outcome[];

export interface Operation {
  /** Unique in the history. */
  readonly id: number;
  readonly client: number;
  /** The node that was asked. */
  readonly node: number;
  /** Nanoseconds since the run began, on one monotonic clock for all clients. */
  readonly call: number;
  /** The same clock; null for `info`, which never returned. */
  readonly ret: number | null;
  /** The command's name in lower case, or `txn` for MULTI/EXEC. */
  readonly op: string;
  /** The words after the name; of a `txn` one list `[name, ...words]` per command. */
  readonly args: readonly Json[];
  /** The reply; the error's text when there is one and the outcome is not `ok`. */
  readonly res: Json;
  readonly kind: Outcome;
}

/** The end of the interval in which an operation may take effect; `info` never ends. */
export const endOf = (operation: Operation): number => operation.ret ?? Number.POSITIVE_INFINITY;

/** A history that cannot be judged. The message begins with the line where one is known. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

/** One line, its newline included; a client may write it as soon as it knows the outcome. */
export function writeOperation(operation: Operation): string {
  const { id, client, node, call, ret, op, args, res, kind } = operation;
  return `${JSON.stringify({ id, client, node, call, ret, op, args, res, kind })}\n`;
}

export const writeHistory = (history: readonly Operation[]): string =>
  history.map(writeOperation).join("");

/**
 * The operations of an NDJSON text, in its order.
 * @throws {HistoryError} at the first line that is no record, with its number (from 1)
 */
export function readHistory(text: string): Operation[] {
  const lines = text.split("\n");
  const tail = lines.pop();
  if (tail !== "") throw new HistoryError(`line ${lines.length + 1}: cut off before its newline`);
  const ids = new Map<number, number>();
  return lines.map((line, index) => {
    const record = parseLine(line, index + 1);
    const problem = recordProblem(record);
    if (problem !== null) throw new HistoryError(`line ${index + 1}: ${problem}`);
    const operation = record as unknown as Operation;
    const first = ids.get(operation.id);
    if (first !== undefined) {
      throw new HistoryError(`line ${index + 1}: id ${operation.id} stands on line ${first} too`);
    }
    ids.set(operation.id, index + 1);
    return operation;
  });
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(line: string, number: number): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new HistoryError(`line ${number}: no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HistoryError(`line ${number}: no JSON object`);
  }
  return value as Fields;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isJson = (value: unknown): boolean =>
  value === null ||
  typeof value === "string" ||
  typeof value === "number" ||
  (Array.isArray(value) && value.every(isJson));

/** What each field must be; a name that is not here is a misspelling. */
const fields = new Map<string, { is: (value: unknown) => boolean; what: string }>([
  ["id", { is: isCount, what: "a whole number from 0" }],
  ["client", { is: isCount, what: "a whole number from 0" }],
  ["node", { is: isCount, what: "a whole number from 0" }],
  ["call", { is: isCount, what: "nanoseconds, a whole number from 0" }],
  ["ret", { is: (it) => it === null || isCount(it), what: "nanoseconds or null" }],
  [
    "op",
    { is: (it) => typeof it === "string" && /^[a-z]+$/.test(it), what: "a name in lower case" },
  ],
  ["args", { is: (it) => Array.isArray(it) && isJson(it), what: "a list of words" }],
  ["res", { is: isJson, what: "a reply: null, text, number or list" }],
  ["kind", { is: (it) => outcomes.includes(it as Json), what: "ok, fail or info" }],
]);

function recordProblem(record: Fields): string | null {
  for (const [name, { is, what }] of fields) {
    if (!Object.hasOwn(record, name)) return `${name} is missing`;
    if (!is(record[name])) return `${name} is not ${what}`;
  }
  const stranger = Object.keys(record).find((name) => !fields.has(name));
  if (stranger !== undefined) return `unknown field ${stranger}`;
  return intervalProblem(record as unknown as Operation);
}

function intervalProblem({ call, ret, kind }: Operation): string | null {
  if (kind === "info") return ret === null ? null : "info has a return";
  if (ret === null) return `${kind} has no return`;
  return ret < call ? "ret is before call" : null;
}

const milliseconds = (nanoseconds: number | null): string =>
  nanoseconds === null ? "never" : (nanoseconds / 1e6).toFixed(3);

/** `#7 client 2: get "x" -> "1" [10.000 .. 20.000 ms]` */
export function inWords(operation: Operation): string {
  const { id, client, op, args, res, kind, call, ret } = operation;
  const words = args.map((each) => JSON.stringify(each)).join(" ");
  const reply = kind === "ok" ? JSON.stringify(res) : kind;
  const interval = `[${milliseconds(call)} .. ${milliseconds(ret)} ms]`;
  return `#${id} client ${client}: ${op} ${words} -> ${reply} ${interval}`;
}
