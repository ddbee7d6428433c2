// Seeds over several threads: each asks for the next few when it is done with its own.

import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Marks, type MarksData } from "./marks.ts";
import { describeViolation, runSeed } from "./run-seed.ts";

/** Seeds of one request; large enough to be worth the message, small enough to end in time. */
const seedsAtOnce = 10;

interface Task {
  readonly from: number;
  readonly count: number;
}

interface Done {
  readonly marks: MarksData;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly text: string;
}

export interface PoolOptions {
  readonly threads: number;
  /** The file that calls `serveAsThread` when it is not the main thread. */
  readonly script: URL;
  readonly from: number;
  /** More seeds are begun as long as this is true. */
  readonly goesOn: (begun: number) => boolean;
  readonly onDone: (marks: Marks, failures: readonly Failure[]) => void;
}

/** Resolves when all seeds that were begun are done. */
export async function runPool(options: PoolOptions): Promise<Marks> {
  const marks = new Marks();
  let begun = 0;
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(options.script);
      const next = (): void => {
        if (!options.goesOn(begun)) {
          void worker.terminate().then(() => resolve());
          return;
        }
        worker.postMessage({ from: options.from + begun, count: seedsAtOnce } satisfies Task);
        begun += seedsAtOnce;
      };
      worker.on("message", (done: Done) => {
        marks.add(done.marks);
        options.onDone(marks, done.failures);
        next();
      });
      worker.on("error", reject);
      next();
    });
  await Promise.all(Array.from({ length: options.threads }, serve));
  return marks;
}

/** The other side; returns at once in the main thread. */
export function serveAsThread(): void {
  const port = parentPort;
  if (isMainThread || port === null) return;
  port.on("message", (task: Task) => {
    void runTask(task).then((done) => port.postMessage(done));
  });
}

async function runTask({ from, count }: Task): Promise<Done> {
  const marks = new Marks();
  const failures: Failure[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await runSeed(seed);
    marks.add(outcome.marks);
    const { violation } = outcome;
    if (violation !== null) {
      failures.push({
        seed,
        invariant: violation.invariant,
        text: describeViolation(seed, outcome),
      });
    }
  }
  const { seeds, steps, simulatedUs, operations, entries, undecided } = marks;
  const { slowestRecoveryUs, faults, states, narrow } = marks;
  return {
    failures,
    marks: {
      ...{ seeds, steps, simulatedUs, operations, entries, undecided },
      ...{ slowestRecoveryUs, faults, states, narrow },
    },
  };
}
