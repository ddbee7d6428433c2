// The kinds of files in a data directory.

import type { Image } from "./image.ts";

export const fileKinds = [
  "newest segment",
  "older segment",
  "prepared segment",
  "watermark",
  "identity",
  "lock",
  "checkpoint table",
  "checkpoint log",
  "checkpoint manifest",
  "checkpoint CURRENT",
  "checkpoint notes",
  "checkpoint pointer",
] as const;
export type FileKind = (typeof fileKinds)[number];

/** The directory of a checkpoint has a number once it came from another node. */
const patterns: readonly (readonly [RegExp, FileKind])[] = [
  [/^log\/\d+\.segment$/, "older segment"],
  [/^log\/next\.segment\.new$/, "prepared segment"],
  [/^log\/watermark$/, "watermark"],
  [/^identity\.json$/, "identity"],
  [/^lock\./, "lock"],
  [/^checkpoint[^/]*\/.*\.(ldb|sst)$/, "checkpoint table"],
  [/^checkpoint[^/]*\/\d+\.log$/, "checkpoint log"],
  [/^checkpoint[^/]*\/MANIFEST-\d+$/, "checkpoint manifest"],
  [/^checkpoint[^/]*\/CURRENT$/, "checkpoint CURRENT"],
  [/^checkpoint[^/]*\/(LOG|LOG\.old|LOCK)$/, "checkpoint notes"],
  [/^checkpoint\.json$/, "checkpoint pointer"],
];

/** A file of no known kind is a reason to extend this list, and what is damaged with it. */
export function kindOf(path: string): FileKind {
  const found = patterns.find(([pattern]) => pattern.test(path));
  if (found === undefined) throw new Error(`${path} is a file of no known kind`);
  return found[1];
}

/** As `kindOf`, but of the segments the last one, which takes the writes, is a kind of its own. */
export function kindIn(image: Image, path: string): FileKind {
  const kind = kindOf(path);
  return kind === "older segment" && path === newestSegment(image) ? "newest segment" : kind;
}

export function newestSegment(image: Image): string {
  const segments = [...image.keys()].filter((path) => kindOf(path) === "older segment");
  return segments.toSorted().at(-1) ?? "";
}

export function filesOf(image: Image, kind: FileKind): readonly string[] {
  return [...image.keys()].filter((path) => kindIn(image, path) === kind);
}

export function kindsIn(image: Image): readonly FileKind[] {
  return fileKinds.filter((kind) => filesOf(image, kind).length > 0);
}
