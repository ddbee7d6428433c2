// Every fault that is known, and how a command line chooses among them.

import { clockFaults } from "./clock.ts";
import { cpuFaults } from "./cpu.ts";
import { diskFaults } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { killFaults } from "./kill.ts";
import { linkFaults } from "./link.ts";
import { memberFaults } from "./member.ts";
import { partitionFaults } from "./partition.ts";
import { pauseFaults } from "./pause.ts";
import { powerFaults } from "./power.ts";

export const catalogue: readonly Fault[] = [
  ...killFaults,
  ...pauseFaults,
  ...partitionFaults,
  ...linkFaults,
  ...diskFaults,
  ...powerFaults,
  ...clockFaults,
  ...memberFaults,
  ...cpuFaults,
];

/**
 * The faults named by a list of names, families, or `all`, in the order of the catalogue.
 * @throws {Error} at a word that names none
 */
export function selectFaults(list: string): readonly Fault[] {
  const words = list.split(",").filter((word) => word !== "");
  const names = (fault: Fault) => ["all", fault.family, fault.name];
  const stranger = words.find((word) => !catalogue.some((fault) => names(fault).includes(word)));
  if (stranger !== undefined || words.length === 0) {
    throw new Error(`there is no fault ${stranger ?? "in an empty list"}: see --list`);
  }
  return catalogue.filter((fault) => names(fault).some((name) => words.includes(name)));
}
