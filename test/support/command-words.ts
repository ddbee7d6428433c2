// Requests as tests write them: words between spaces, in double quotes where a word needs it.

const pattern = /"(?:[^"\\]|\\.)*"|\S+/g;

/** `set k "a \u0000 b"` becomes three words; in quotes the escapes of JSON hold. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(pattern)].map(([word]) =>
    word.startsWith('"') ? (JSON.parse(word) as string) : word,
  );
}
