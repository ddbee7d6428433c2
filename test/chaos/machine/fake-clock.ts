// A wall clock that can jump: libfaketime before libc, told the offset by a file. The monotonic clock stays.

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = "/usr/lib";

/** Where Debian's package faketime puts its library, or null. The MT variant is for programs with threads. */
export function faketimeLibrary(): string | null {
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(folder, name, "faketime", "libfaketimeMT.so.1"));
  return paths.find((path) => existsSync(path)) ?? null;
}

export class FakeClock {
  readonly #file: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(library: string, file: string) {
    this.#file = file;
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    this.shift(0);
  }

  /** From now on the clock is this far from the truth. */
  shift(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}\n`);
  }
}
