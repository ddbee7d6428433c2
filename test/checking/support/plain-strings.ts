// Commands on one string, executed plainly: what histories are made of, and judged by, independently of the model.

import type { Json, Operation } from "../history.ts";

export interface Executed {
  readonly value: string | null;
  /** Undefined for an error. */
  readonly reply: Json | undefined;
}

/** Short enough to be counted with numbers. */
const integerPattern = /^(?:0|-?[1-9][0-9]{0,14})$/;

/** @param value null for a missing key */
export function execute(
  value: string | null,
  { op, args }: Pick<Operation, "op" | "args">,
): Executed {
  const word = String(args[1]);
  switch (op) {
    case "get":
      return { value, reply: value };
    case "getdel":
      return { value: null, reply: value };
    case "del":
      return { value: null, reply: value === null ? 0 : 1 };
    case "append":
      return { value: (value ?? "") + word, reply: (value ?? "").length + word.length };
    case "incrby":
      return increment(value, word);
    case "set":
      return args[2] === "NX" && value !== null
        ? { value, reply: null }
        : { value: word, reply: "OK" };
    default:
      throw new Error(`no plain command: ${op}`);
  }
}

function increment(value: string | null, word: string): Executed {
  if (!integerPattern.test(value ?? "0")) return { value, reply: undefined };
  const sum = Number(value ?? 0) + Number(word);
  return { value: String(sum), reply: sum };
}
