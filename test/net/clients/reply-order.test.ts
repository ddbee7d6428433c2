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
