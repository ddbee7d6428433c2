// How many clients fit into the descriptors that the operating system grants this process.

import { readFileSync } from "node:fs";
import { peerConnectionsMax } from "../constants.ts";

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

/** Peers and files keep their share, whatever clients do. */
export function clientsThatFit(openFiles: number): number {
  return Math.max(1, openFiles - ownFiles - peerConnectionsMax);
}
