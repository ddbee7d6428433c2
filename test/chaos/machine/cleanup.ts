// What must not outlive this process: namespaces, mounts, loop devices, other programs.

const undos = new Set<() => void>();
let isListening = false;

/**
 * Runs `undo` when the process exits, last registered first, unless it has run before.
 * Returns what runs it now.
 */
export function undoAtExit(undo: () => void): () => void {
  if (!isListening) process.once("exit", undoAll);
  isListening = true;
  undos.add(undo);
  return () => {
    if (undos.delete(undo)) undo();
  };
}

/** One that fails must not keep the others from running. */
function undoAll(): void {
  for (const undo of [...undos].reverse()) {
    try {
      undo();
    } catch (error) {
      process.stderr.write(`left behind: ${(error as Error).message}\n`);
    }
  }
  undos.clear();
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal ends a process without its "exit" listeners; from now on they run. */
export function exitOnSignals(): void {
  for (const [signal, number] of Object.entries(signalNumbers)) {
    process.once(signal, () => process.exit(128 + number));
  }
}
