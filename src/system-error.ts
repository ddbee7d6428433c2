// Errors of the operating system in the words that people know from it.

import { getSystemErrorMap } from "node:util";

/** As strerror(3) has them; the rest in libuv's words. */
const words = new Map([
  ["EACCES", "Permission denied"],
  ["EADDRINUSE", "Address already in use"],
  ["EADDRNOTAVAIL", "Cannot assign requested address"],
  ["ECONNREFUSED", "Connection refused"],
  ["ECONNRESET", "Connection reset by peer"],
  ["EEXIST", "File exists"],
  ["EHOSTUNREACH", "No route to host"],
  ["EIO", "Input/output error"],
  ["EISDIR", "Is a directory"],
  ["EMFILE", "Too many open files"],
  ["ENAMETOOLONG", "File name too long"],
  ["ENOENT", "No such file or directory"],
  ["ENOSPC", "No space left on device"],
  ["ENOTDIR", "Not a directory"],
  ["ENOTFOUND", "Name or service not known"],
  ["EPERM", "Operation not permitted"],
  ["EROFS", "Read-only file system"],
  ["ETIMEDOUT", "Connection timed out"],
]);

/** The error code, or null when the error is none of the operating system's. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : null;
}

/** "Permission denied" for EACCES; the message of an error without a code. */
export function describeError(error: unknown): string {
  const known = words.get(codeOf(error) ?? "");
  if (known !== undefined) return known;
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  const entry = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  return entry === undefined ? error.message : entry[1];
}
