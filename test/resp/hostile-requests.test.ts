// Bytes that mean harm or are mistaken: the words of Redis 7.0.15, and then the connection closes.

import { wire } from "../support/resp-decoding.ts";
import { wireExample } from "../support/wire-example.ts";

const ping = wire("PING");
const refuse = (text: string, words: string, requests: readonly string[][] = []) =>
  wireExample(JSON.stringify(text), {
    wire: text,
    requests,
    end: `ERR Protocol error: ${words}`,
  });

for (const count of [
  "3000000000",
  "9223372036854775808",
  "+1",
  "01",
  " 1",
  "1x",
  "",
  "-0",
  "1e3",
]) {
  refuse(`*${count}\r\n`, "invalid multibulk length");
}
refuse("*1025\r\n", "invalid multibulk length");
refuse("*1\rX", "invalid multibulk length");
for (const length of ["-1", "-10", "2000000000", "1048577", "abc", "1e3", "", "00", "+1"]) {
  refuse(`*1\r\n$${length}\r\n`, "invalid bulk length");
}
refuse("*1\r\n$4\rX", "invalid bulk length");
refuse(`${ping}*2\r\n$3\r\nGET\r\n:1\r\n`, "expected '$', got ':'", [["PING"]]);
refuse("*1\r\n*1\r\n", "expected '$', got '*'");
refuse("*1\r\nfoo\r\n", "expected '$', got 'f'");
refuse("*1\r\n\r\n", "expected '$', got '\r'");
refuse("*1\r\n$4\r\nPINGxx", "expected CRLF after bulk string");
refuse("*1\r\n$4\r\nPING\rx", "expected CRLF after bulk string");
refuse("*1\r\n$4\r\nPING\nx", "expected CRLF after bulk string");
refuse('ECHO "a\r\n', "unbalanced quotes in request");
refuse('PING\r\nECHO "a"b\r\n', "unbalanced quotes in request", [["PING"]]);

wireExample("a body that is larger than a request may be is refused by its header", {
  wire: "*2\r\n$1\r\na\r\n$30\r\n",
  requests: [],
  end: "ERR Protocol error: too big request",
  limits: { requestBytes: 30 },
});
wireExample("the empty command name is a request like any other", {
  wire: wire(""),
  requests: [[""]],
});
wireExample("LF instead of CRLF in an array is waited out", {
  wire: "*1\n$4\nPING\n",
  requests: [],
});
wireExample("a count that no words follow is waited for", { wire: "*1024\r\n", requests: [] });

const short = { inlineBytes: 16 };
const digits = "1".repeat(16);
wireExample("an inline line that is too long", {
  wire: "x".repeat(17),
  requests: [],
  end: "ERR Protocol error: too big inline request",
  limits: short,
});
wireExample("a count that is too long", {
  wire: `*${digits}`,
  requests: [],
  end: "ERR Protocol error: too big mbulk count string",
  limits: short,
});
wireExample("a length that is too long", {
  wire: `*1\r\n$${digits}`,
  requests: [],
  end: "ERR Protocol error: too big bulk count string",
  limits: short,
});
wireExample("an inline line of exactly the longest length", {
  wire: `${"x".repeat(16)}\n${"y".repeat(15)}\r\n`,
  requests: [["x".repeat(16)], ["y".repeat(15)]],
  limits: short,
});

for (const text of [
  "POST / HTTP/1.1\r\nA: b\r\n",
  "Host: example.org\r\n",
  "hOsT:\r\n",
  wire("pOst", "x"),
  wire("HOST:", "x"),
  "\x16\x03\x01\x02",
  "\0",
  "PING a\0b\r\n",
]) {
  wireExample(`another protocol is not answered: ${JSON.stringify(text)}`, {
    wire: ping + text + ping,
    requests: [["PING"]],
    end: "silent",
  });
}
wireExample("a browser's first line is a command, its second ends the connection", {
  wire: "GET / HTTP/1.1\r\nHost: x\r\n",
  requests: [["GET", "/", "HTTP/1.1"]],
  end: "silent",
});

const stranger = { authenticated: false };
wireExample("before AUTH: ten words of 16 KiB are the most", {
  wire: wire(..."abcdefghij"),
  requests: [[..."abcdefghij"]],
  limits: stranger,
});
wireExample("before AUTH: eleven words", {
  wire: "*11\r\n",
  requests: [],
  end: "ERR Protocol error: unauthenticated multibulk length",
  limits: stranger,
});
wireExample("before AUTH: a word of 16 KiB and a byte", {
  wire: "*1\r\n$16385\r\n",
  requests: [],
  end: "ERR Protocol error: unauthenticated bulk length",
  limits: stranger,
});
wireExample("before AUTH the general limits come first", {
  wire: "*1\r\n$2000000000\r\n",
  requests: [],
  end: "ERR Protocol error: invalid bulk length",
  limits: stranger,
});
