// Waiting for something that other processes do.

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const pollMs = 40;

/** The first value that is not null; rejects with what was waited for, and what `describe` adds. */
export async function until<Value>(
  what: string,
  timeoutMs: number,
  look: () => Promise<Value | null>,
  describe: () => string = () => "",
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms${describe()}`);
    }
    await pause(pollMs);
  }
}
