// A client's replies come in the order of its requests, whatever kind each of them is.

import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createServer } from "../../../src/create-server.ts";

async function replies(requests: string, until: RegExp): Promise<string> {
  const server = await createServer({ logLevel: "silent" });
  onTestFinished(() => server.close());
  const socket = connect(server.port, server.host);
  onTestFinished(() => {
    socket.destroy();
  });
  socket.write(requests);
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (until.test(text)) break;
  }
  return text;
}

it("a session command waits for the session command before it, which takes its time", async () => {
  expect(await replies("SAVE\r\nPING\r\nECHO end\r\n", /end/)).toBe(
    "+OK\r\n+PONG\r\n$3\r\nend\r\n",
  );
});

it("writes, reads, session commands and mistakes keep their order in one pipeline", async () => {
  const requests =
    "SET a 1\r\nGET a\r\nPING\r\nINCR a\r\nSAVE\r\nGET\r\nGET a\r\nNOPE\r\nINCR a\r\nECHO end\r\n";
  expect(await replies(requests, /end/)).toBe(
    "+OK\r\n$1\r\n1\r\n+PONG\r\n:2\r\n+OK\r\n-ERR wrong number of arguments for 'get' command\r\n" +
      "$1\r\n2\r\n-ERR unknown command 'NOPE', with args beginning with: \r\n:3\r\n$3\r\nend\r\n",
  );
});

it("a client that kills itself is answered first, and nothing after that", async () => {
  const requests = "CLIENT KILL ID 1 SKIPME no\r\nPING\r\n";
  expect(await replies(requests, /never/)).toBe(":1\r\n");
});

it("very many words are as good as few", async () => {
  const words = Array.from({ length: 200_000 }, (_, at) => `$6\r\n${100_000 + (at % 900_000)}\r\n`);
  const many = (...first: readonly string[]): string =>
    `*${first.length + words.length}\r\n${first.map((each) => `$${each.length}\r\n${each}\r\n`).join("")}${words.join("")}`;
  const requests = [
    "SET 100007 v\r\n",
    many("EXISTS"),
    many("COMMAND", "INFO"),
    many("NOPE"),
    many("DEL"),
    many("EXISTS"),
    "ECHO end\r\n",
  ];
  expect(await replies(requests.join(""), /end/)).toBe(
    "+OK\r\n:1\r\n-ERR wrong number of arguments for 'command|info' command\r\n" +
      `-ERR unknown command 'NOPE', with args beginning with: ${quoted(14)}\r\n:1\r\n:0\r\n$3\r\nend\r\n`,
  );
});

/** As Redis 7.0.15 quotes so many words of six digits, and the beginning of one more: 128 bytes. */
function quoted(words: number): string {
  return `${Array.from({ length: words }, (_, at) => `'${100_000 + at}' `).join("")}'10' `;
}
