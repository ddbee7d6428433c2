// Every operation of every client, on one clock: the history that is judged after the run.

import { type Json, type Operation, type Outcome, writeOperation } from "../../checking/history.ts";

/** What came back: a reply, an error of the server, or nothing that could be relied on. */
export type Answer =
  | { readonly type: "reply"; readonly value: Json }
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "lost"; readonly why: string };

/** Why an answer is lost that the client did not wait for: no fault of the server. */
export const gaveUp = "gave up";

/** An operation whose outcome is awaited. */
export type Begun = Pick<Operation, "id" | "client" | "node" | "call" | "op" | "args">;

export class Recorder {
  readonly #start = process.hrtime.bigint();
  readonly #write: (line: string) => void;
  readonly #open = new Map<number, Begun>();
  #nextId = 0;
  readonly operations: Operation[] = [];

  /** @param write takes each finished operation as a line of NDJSON */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Nanoseconds since the run began. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#start);
  }

  begin(client: number, node: number, words: readonly string[]): Begun {
    const [name = "", ...args] = words;
    const id = this.#nextId++;
    const begun = { id, client, node, call: this.now(), op: name.toLowerCase(), args };
    this.#open.set(id, begun);
    return begun;
  }

  end(begun: Begun, answer: Answer): Operation {
    this.#open.delete(begun.id);
    const kind = outcomeOf(answer);
    const ret = kind === "info" ? null : this.now();
    const operation: Operation = { ...begun, ret, res: textOf(answer), kind };
    this.operations.push(operation);
    this.#write(writeOperation(operation));
    return operation;
  }

  /** What is still under way at the end of the run never returned. */
  close(): void {
    for (const begun of [...this.#open.values()]) {
      this.end(begun, { type: "lost", why: "the run ended" });
    }
  }
}

/** An error is definite, "not executed", except the one that says that nobody knows. */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.type === "reply") return "ok";
  return answer.type === "error" && !answer.text.startsWith("UNKNOWN ") ? "fail" : "info";
}

function textOf(answer: Answer): Json {
  if (answer.type === "reply") return answer.value;
  return answer.type === "error" ? answer.text : answer.why;
}
