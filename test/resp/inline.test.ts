// Lines typed by hand: the quoting rules of Redis 7.0.15, asked of it one by one.

import { expect, it } from "vitest";
import { splitInline } from "../../src/resp/inline.ts";

it.each<[string, string[] | null]>([
  ["", []],
  [" \t\v\f\r\n ", []],
  ["PING", ["PING"]],
  ["  SET  a\tb\r", ["SET", "a", "b"]],
  ["PING\rx", ["PING", "x"]],
  ["a\vb\fc", ["a\vb\fc"]],
  ["\va", ["a"]],
  ['ECHO ""', ["ECHO", ""]],
  ["ECHO ''", ["ECHO", ""]],
  ['ECHO "a b" c', ["ECHO", "a b", "c"]],
  ['ECHO a"b c"', ["ECHO", "ab c"]],
  ["ECHO a'b c'", ["ECHO", "ab c"]],
  ['"\\x41\\xfF\\x4g\\x"', ["A\xffx4gx"]],
  ['"\\n\\r\\t\\b\\a\\q\\\\\\""', ['\n\r\t\b\x07q\\"']],
  ["'a\\'b\\n\"'", ["a'b\\n\""]],
  ["\\x41", ["\\x41"]],
  ["'a'\v", ["a"]],
  ['"a"b', null],
  ["'a'b", null],
  ["'a''b'", null],
  ['"a', null],
  ["'a", null],
  ['"a\\', null],
  ['"a\\"', null],
  ["'a\\'", null],
  ["\xe4 \xff\x80", ["\xe4", "\xff\x80"]],
])("%j is split into %j", (line, words) => {
  expect(splitInline(line)).toEqual(words);
});
