// Where a command of the command line writes: text for people, JSON lines for programs.

export interface CommandOutput {
  /** Lines for people; otherwise one JSON object per line. */
  readonly isTerminal: boolean;
  print(text: string): void;
  complain(text: string): void;
}

export function processOutput(): CommandOutput {
  return {
    isTerminal: process.stdout.isTTY === true,
    print: (text) => {
      process.stdout.write(text);
    },
    complain: (text) => {
      process.stderr.write(text);
    },
  };
}
