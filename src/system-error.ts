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
  // Not `instanceof`: an error may come from another realm, as all errors of node:fs do under Jest.
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  return typeof code === "string" ? code : null;
}

/** The same error when it is one of this realm; else one that says the same. */
export function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  const isLikeError = typeof error === "object" && error !== null && "message" in error;
  return new Error(String(isLikeError ? error.message : error), { cause: error });
}

/** "Permission denied" for EACCES; the message of an error without a code. */
export function describeError(error: unknown): string {
  const known = words.get(codeOf(error) ?? "");
  if (known !== undefined) return known;
  const { message, errno } = asError(error) as NodeJS.ErrnoException;
  const entry = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  return entry === undefined ? message : entry[1];
}

/** No space is left on the disk. A write that was cut short has no code. */
export function isFullDisk(error: unknown): boolean {
  const code = codeOf(error);
  return code === null || code === "ENOSPC" || code === "EDQUOT";
}
