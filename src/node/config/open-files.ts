// How many clients fit into the descriptors that the operating system grants this process.

import { readFileSync } from "node:fs";
import { peerConnectionsMax } from "../../constants.ts";

/** Log segments, LevelDB's tables, listening sockets, standard streams. */
const ownFiles = 256;

/** The limit on open files; null when the system does not tell. Node raises it to the hard limit. */
export function openFilesMax(): number | null {
  try {
    const line = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    return line === null ? null : Number(line[1]);
  } catch {
    return null;
  }
}

/** The least limit that a node can start with: peers and files keep their share, whatever clients do. */
export const openFilesMin = ownFiles + peerConnectionsMax + 1;

/** Zero or less: there is no room for any. */
export function clientsThatFit(openFiles: number): number {
  return openFiles - ownFiles - peerConnectionsMax;
}
