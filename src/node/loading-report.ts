// The loading of the state in the log of the process: nothing of a short one, a line now and then of a long one.

import { loadingQuietMs, loadingReportMs } from "../constants.ts";
import type { Logger } from "../logger.ts";
import type { Loading } from "./loading.ts";

const mebibyte = 2 ** 20;

export class LoadingReport {
  readonly #loading: Loading;
  readonly #logger: Logger;
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout;
  #hasSpoken = false;

  constructor(loading: Loading, logger: Logger) {
    this.#loading = loading;
    this.#logger = logger;
    this.#timer = setTimeout(() => this.#speak(), loadingQuietMs);
  }

  /** The node serves, with so many keys. */
  end(keys: number): void {
    clearTimeout(this.#timer);
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(1);
    const { totalBytes } = this.#loading;
    const line = `the state is loaded: ${counted(keys)} keys, ${inMebibytes(totalBytes)} MiB read in ${seconds} s`;
    if (this.#hasSpoken) this.#logger.info(line);
    else this.#logger.debug(line);
  }

  /** The start has failed, or was called off. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #speak(): void {
    const { step, loadedBytes, totalBytes } = this.#loading;
    const percent = totalBytes === 0 ? 0 : Math.floor((100 * loadedBytes) / totalBytes);
    const read = `${inMebibytes(loadedBytes)} of ${inMebibytes(totalBytes)} MiB (${percent} %)`;
    const refusal = this.#hasSpoken ? "" : "; clients are answered -LOADING meanwhile";
    this.#logger.info(`loading the state: ${step}, ${read}${refusal}`);
    this.#hasSpoken = true;
    this.#timer = setTimeout(() => this.#speak(), loadingReportMs);
  }
}

function inMebibytes(bytes: number): string {
  return counted(Math.ceil(bytes / mebibyte));
}

function counted(count: number): string {
  return count.toLocaleString("en-US");
}
