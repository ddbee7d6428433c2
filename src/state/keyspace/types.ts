// The types of values as a record names them, in four bits: what OBJECT ENCODING tells is state.

import type { TypeName } from "./views.ts";

/** A string whose encoding follows from its bytes: int, embstr or raw. */
export const plainString = 0;
/** A string that was changed in place (APPEND, SETRANGE): raw, whatever it holds. */
export const rawString = 1;

const names: readonly TypeName[] = ["string", "string"];
export const typeCount: number = names.length;

/** A type that a record holds. */
export function typeNameOf(type: number): TypeName {
  return names[type] as TypeName;
}
