// A client for one question: connects, authenticates, asks, reads the answer, leaves.

import { connect } from "node:net";
import { type Bytes, ErrorReply, type Reply } from "../resp/reply.ts";
import { ReplyDecoder } from "../resp/reply-decoder.ts";
import { describeError } from "../system-error.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

export interface Question {
  readonly target: Endpoint;
  /** Empty: no AUTH. */
  readonly password: Bytes;
  readonly words: readonly Bytes[];
  /** For everything together, from the first SYN to the answer. */
  readonly timeoutMs: number;
}

/** No answer came: the message says why, with the address. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** Answers with what the server says, its errors included; rejects with NoAnswerError. */
export function ask(question: Question): Promise<Reply> {
  const { target, password, words, timeoutMs } = question;
  const requests = password === "" ? [words] : [["AUTH", password], words];
  const socket = connect(target);
  return new Promise<Reply>((resolve, reject) => {
    const fail = (why: string) => {
      reject(new NoAnswerError(`${formatEndpoint(target)}: ${why}`));
      socket.destroy();
    };
    const timer = setTimeout(() => fail("no answer in time"), timeoutMs);
    let due = requests.length;
    const answered = (reply: Reply) => {
      due -= 1;
      // A refused AUTH is the answer: the reply to the question itself would say the same.
      if (due > 0 && !(reply instanceof ErrorReply)) return;
      resolve(reply);
      socket.destroy();
    };
    const decoder = new ReplyDecoder(answered, () => fail("does not speak the Redis protocol"));
    socket.on("connect", () => socket.write(requests.map(encodeRequest).join(""), "latin1"));
    socket.on("data", (chunk) => decoder.push(chunk));
    socket.on("error", (error) => fail(describeError(error)));
    socket.on("close", () => {
      clearTimeout(timer);
      fail("closed the connection");
    });
  });
}

function encodeRequest(words: readonly Bytes[]): Bytes {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}
