// `kvorum add`, `remove`, `replace` and `transfer`: the RAFT commands of any node, with words and progress.

import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import type { Reply } from "../resp/reply.ts";
import { type CatchUp, describeCatchUp, watchCatchUp } from "./catch-up.ts";
import type { CommandOutput } from "./output.ts";
import { askFor, askStatus, type ClusterTarget, RefusedError } from "./status-reply.ts";

export interface NewMember {
  readonly client: Endpoint;
  readonly peer: Endpoint;
}

export type AdminAction =
  | { readonly verb: "add"; readonly member: NewMember }
  | { readonly verb: "remove"; readonly id: number }
  | { readonly verb: "replace"; readonly id: number; readonly member: NewMember }
  /** Null: the cluster chooses. */
  | { readonly verb: "transfer"; readonly id: number | null };

/** A node answers within ten seconds, a change of leader included. */
const answerMs = 15_000;

/**
 * Resolves with the exit code, once the change is committed; an `add` once the node votes. `pauseMs`
 * lies between two lines of progress.
 */
export async function runAdmin(
  action: AdminAction,
  target: ClusterTarget,
  output: CommandOutput,
  pauseMs?: number,
): Promise<0 | 1> {
  const operator = new Operator(target, output, pauseMs);
  try {
    switch (action.verb) {
      case "add":
        await operator.add(action.member);
        return 0;
      case "remove":
        await operator.remove(action.id);
        return 0;
      case "replace":
        await operator.replace(action.id, action.member);
        return 0;
      case "transfer":
        await operator.transfer(action.id);
        return 0;
    }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    output.complain(`kvorum: ${error.message}\n`);
    return 1;
  }
}

class Operator {
  readonly #target: ClusterTarget;
  readonly #output: CommandOutput;
  readonly #pauseMs: number;

  constructor(target: ClusterTarget, output: CommandOutput, pauseMs = 1_000) {
    this.#target = target;
    this.#output = output;
    this.#pauseMs = pauseMs;
  }

  async add({ client, peer }: NewMember): Promise<void> {
    const words = ["ADD", formatEndpoint(client), formatEndpoint(peer)];
    const node = invitedId(await this.#raft(words));
    this.#tell(`node ${node} is admitted; start it with ${this.#startCommand(client, peer)}`, {
      node,
      state: "admitted",
    });
    const report = (now: CatchUp): void => this.#tell(describeCatchUp(now), now);
    const end = await watchCatchUp({ target: this.#target, node, report, pauseMs: this.#pauseMs });
    if (end === "removed") throw new RefusedError(`node ${node} was removed before it could vote`);
  }

  async remove(id: number): Promise<void> {
    await this.#raft(["REMOVE", String(id)]);
    this.#tell(`node ${id} is removed: stop it if it still runs`, { node: id, state: "removed" });
  }

  /** The new one votes before the old one goes: at no time are there fewer voters than before. */
  async replace(id: number, member: NewMember): Promise<void> {
    const { members } = await askStatus(this.#target);
    if (!members.some((each) => each.get("id") === id)) {
      throw new RefusedError(`there is no member ${id}: kvorum status lists the members`);
    }
    await this.add(member);
    await this.remove(id);
  }

  async transfer(id: number | null): Promise<void> {
    await this.#raft(id === null ? ["TRANSFER"] : ["TRANSFER", String(id)]);
    const { fields } = await askStatus(this.#target);
    const leader = id ?? Number(fields.get("leader"));
    this.#tell(`node ${leader} leads`, { node: leader, state: "leader" });
  }

  #raft(words: readonly string[]): Promise<Reply> {
    return askFor(this.#target, ["RAFT", ...words], answerMs);
  }

  #tell(line: string, fields: object): void {
    this.#output.print(`${this.#output.isTerminal ? line : JSON.stringify(fields)}\n`);
  }

  #startCommand({ host, port }: Endpoint, peer: Endpoint): string {
    return [
      `kvorum --bind ${host} --port ${port}`,
      peer.port === port + 10_000 ? "" : ` --peer-port ${peer.port}`,
      ` --dir <an empty directory> --join ${formatEndpoint(this.#target)}`,
    ].join("");
  }
}

/** The second word of an invitation. */
function invitedId(reply: Reply): number {
  const id: unknown = Array.isArray(reply) ? reply[1] : undefined;
  if (typeof id !== "number") throw new RefusedError("the answer is no invitation");
  return id;
}
