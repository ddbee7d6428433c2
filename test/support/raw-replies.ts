// Finds where replies begin and end in raw bytes (RESP2 and RESP3) without decoding them.

const CR = 0x0d;

/** Types whose header line is the whole reply. */
const lines = new Set([..."+-:_#,("].map(code));
/** Types whose header gives the length of the bytes that follow. */
const bulks = new Set([..."$=!"].map(code));
/** Types whose header gives how many replies follow, and how many there are per count. */
const aggregates = new Map([
  [code("*"), 1],
  [code("~"), 1],
  [code(">"), 1],
  [code("%"), 2],
  [code("|"), 2],
]);

function code(character: string): number {
  return character.charCodeAt(0);
}

/** Position after the reply that begins at `at`, or -1 when it is not complete yet. */
export function replyEnd(bytes: Buffer, at: number): number {
  let position = at;
  for (let open = 1; open > 0; open--) {
    const end = bytes.indexOf("\r\n", position, "latin1");
    if (end < 0) return -1; // Also when a bulk string has led beyond the end.
    const type = bytes[position] as number;
    position = end + 2;
    if (lines.has(type)) continue;
    const length = Math.max(headerNumber(bytes, end), -1);
    if (bulks.has(type)) {
      if (length >= 0) position += length + 2;
      continue;
    }
    const factor = aggregates.get(type);
    if (factor === undefined) throw new Error(`not a reply: ${JSON.stringify(preview(bytes, at))}`);
    open += Math.max(length, 0) * factor;
    if (type === code("|")) open++; // An attribute stands before the reply it describes.
  }
  return position <= bytes.length ? position : -1;
}

/** The number of a header line that ends at `end`. */
function headerNumber(bytes: Buffer, end: number): number {
  let start = end;
  while (start > 0 && isNumberByte(bytes[start - 1] as number)) start--;
  return Number(bytes.toString("latin1", start, end));
}

function isNumberByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
}

/** Cuts all complete replies; `rest` is what is left of an unfinished one. */
export function splitReplies(bytes: Buffer): { replies: Buffer[]; rest: Buffer } {
  const replies: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = replyEnd(bytes, at);
    if (end < 0) break;
    replies.push(bytes.subarray(at, end));
    at = end;
  }
  return { replies, rest: bytes.subarray(at) };
}

/** Header line (with CRLF) and members of an aggregate reply, or null for any other type. */
export function members(reply: Buffer): { header: string; items: Buffer[] } | null {
  if (!aggregates.has(reply[0] as number)) return null;
  const end = reply.indexOf(CR) + 2;
  return {
    header: reply.toString("latin1", 0, end),
    items: splitReplies(reply.subarray(end)).replies,
  };
}

/** The first bytes, for messages. */
export function preview(bytes: Buffer, at = 0, length = 200): string {
  const text = bytes.toString("latin1", at, at + length);
  return bytes.length > at + length ? `${text}... (${bytes.length} bytes)` : text;
}
