// AUTH, HELLO, SELECT and the other commands with which a connection begins and ends.

import { describe, expect, test } from "vitest";
import { errors } from "../../../src/resp/errors.ts";
import { MapReply, ok, SimpleString } from "../../../src/resp/reply.ts";
import { SessionRunner } from "../../support/session-run.ts";

function guarded(): SessionRunner {
  const runner = new SessionRunner(5);
  runner.context.server.config.values.set("requirepass", "sesame");
  runner.context.client.authenticated = false;
  return runner;
}

const helloReply = (protocol: number, id = 5) =>
  new MapReply([
    ["server", "redis"],
    ["version", "7.0.15"],
    ["proto", protocol],
    ["id", id],
    ["mode", "standalone"],
    ["role", "master"],
    ["modules", []],
  ]);

describe("AUTH", () => {
  test("lets a client with the password in, alone or with the user's name", async () => {
    for (const credentials of [["sesame"], ["default", "sesame"]]) {
      const runner = guarded();
      expect(await runner.run("AUTH", ...credentials)).toBe(ok);
      expect(runner.context.client.authenticated).toBe(true);
    }
  });

  test("keeps a client with a wrong password or name out", async () => {
    for (const credentials of [["Sesame"], ["default", ""], ["other", "sesame"]]) {
      const runner = guarded();
      expect(await runner.run("AUTH", ...credentials)).toBe(errors.wrongPassword);
      expect(runner.context.client.authenticated).toBe(false);
    }
  });

  test("a failure does not throw an authenticated client out", async () => {
    const runner = guarded();
    await runner.run("AUTH", "sesame");
    await runner.run("AUTH", "wrong");
    expect(runner.context.client.authenticated).toBe(true);
  });
});

describe("HELLO", () => {
  test("without a version describes the connection and changes nothing", async () => {
    const runner = new SessionRunner(5);
    expect(await runner.run("HELLO")).toEqual(helloReply(2));
    runner.context.client.protocol = 3;
    expect(await runner.run("HELLO")).toEqual(helloReply(3));
  });

  test("sets protocol, user and name at once", async () => {
    const runner = guarded();
    const request = ["HELLO", "3", "AUTH", "default", "sesame", "SETNAME", "worker"];
    expect(await runner.run(...request)).toEqual(helloReply(3));
    const { authenticated, name, protocol } = runner.context.client;
    expect({ authenticated, name, protocol }).toEqual({
      authenticated: true,
      name: "worker",
      protocol: 3,
    });
  });

  test("leaves the protocol alone when anything is refused", async () => {
    for (const options of [["SETNAME", "a b"], ["AUTH", "default", "no"], ["foo"], []]) {
      const runner = guarded();
      const reply = await runner.run("HELLO", "3", ...options);
      expect(reply).toMatchObject({ type: "error" });
      expect(runner.context.client.protocol).toBe(2);
    }
  });
});

describe("the rest", () => {
  test("SELECT changes the database of this connection, and an error does not", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("SELECT", "15")).toBe(ok);
    expect(runner.context.client.database).toBe(15);
    expect(await runner.run("SELECT", "16")).toBe(errors.databaseOutOfRange);
    expect(runner.context.client.database).toBe(15);
  });

  test("QUIT closes the connection after its OK", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("QUIT")).toBe(ok);
    expect(runner.context.client.isClosing).toBe(true);
  });

  test("RESET makes the connection new", async () => {
    const runner = new SessionRunner();
    expect(await runner.run("RESET")).toEqual(new SimpleString("RESET"));
    expect(runner.context.client.resets).toBe(1);
  });

  test("PING and ECHO give back every byte", async () => {
    const bytes = String.fromCharCode(...Array(256).keys());
    const runner = new SessionRunner();
    expect(await runner.run("PING", bytes)).toBe(bytes);
    expect(await runner.run("ECHO", bytes)).toBe(bytes);
    expect(await runner.run("PING", "")).toBe("");
  });
});
