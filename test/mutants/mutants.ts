// Every mutant, with names that are its own.

import { coreMutants } from "./core-mutants.ts";
import { linkMutants } from "./link-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { nodeMutants } from "./node-mutants.ts";

export const mutants: readonly Mutant[] = [...coreMutants, ...nodeMutants, ...linkMutants];
