// What a leader whose disk hangs costs: until another node leads, and what clients of the hung node get.

import { connectRaw } from "../clients/connection.ts";
import { Probe } from "../clients/probe.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import { statusOf } from "../cluster/status.ts";
import { pause } from "../cluster/until.ts";
import { layOut } from "./report.ts";

const times = 3;
const nodes = 3;
const holdMs = 15_000;
const lookMs = 20;
const probeMs = 5;
const calmMs = 1_000;
/** What a client of the hung node waits for an answer. */
const patienceMs = 8_000;

export interface HungDisk {
  /** Until another node led; null: none did while the disk hung. */
  readonly handOverMs: number | null;
  /** At another node. */
  readonly worstReadMs: number;
  readonly worstWriteMs: number;
  /** At the hung node. */
  readonly get: string;
  readonly set: string;
}

export async function measureHungDisk(progress: (line: string) => void): Promise<HungDisk[]> {
  const cluster = await ChaosCluster.start(nodes, ["freezing"]);
  const results: HungDisk[] = [];
  try {
    while (results.length < times) {
      results.push(await hangOnce(cluster));
      progress(`hung ${results.length}/${times}: ${results.at(-1)?.handOverMs ?? "nobody led"}`);
      await cluster.recovered();
    }
    return results;
  } finally {
    await cluster.dispose();
  }
}

async function hangOnce(cluster: ChaosCluster): Promise<HungDisk> {
  const hung = await cluster.leader();
  const [other] = cluster.nodes.filter((node) => node !== hung);
  if (other === undefined) throw new Error("a cluster has followers");
  const reader = await Probe.begin(other.address, ["EXISTS", "probe"], probeMs);
  const writer = await Probe.begin(other.address, ["SET", "probe", "x"], probeMs);
  await pause(calmMs);
  const began = performance.now();
  await hung.place.disk?.freeze();
  try {
    const get = askHung(hung.address, ["EXISTS", "probe"]);
    const set = askHung(hung.address, ["SET", "hung", "x"]);
    let handOverMs: number | null = null;
    while (performance.now() < began + holdMs) {
      const status = await statusOf(other.address);
      const isNew = status !== null && status.leader !== 0 && status.leader !== hung.slot + 1;
      if (isNew) handOverMs ??= performance.now() - began;
      await pause(lookMs);
    }
    const answers = { get: await get, set: await set };
    await Promise.all([reader.end(), writer.end()]);
    return { handOverMs, worstReadMs: reader.worstMs, worstWriteMs: writer.worstMs, ...answers };
  } finally {
    await hung.place.disk?.thaw();
  }
}

async function askHung(
  address: Parameters<typeof connectRaw>[0],
  words: readonly string[],
): Promise<string> {
  const began = performance.now();
  const connection = await connectRaw(address);
  const answer = await Promise.race([connection.ask(words), pause(patienceMs).then(() => null)]);
  connection.close();
  if (answer === null || answer.type === "lost") return `nothing in ${patienceMs / 1_000} s`;
  const after = `after ${Math.round(performance.now() - began)} ms`;
  return answer.type === "error" ? `${answer.text.split(" ")[0]} ${after}` : `answered ${after}`;
}

export function hungDiskTable(results: readonly HungDisk[]): string {
  return layOut([
    [
      "another leads after",
      "read waits",
      "write waits",
      "GET at the hung node",
      "SET at the hung node",
    ],
    ...results.map(({ handOverMs, worstReadMs, worstWriteMs, get, set }) => [
      handOverMs === null ? `not in ${holdMs / 1_000} s` : `${Math.round(handOverMs)} ms`,
      `${Math.round(worstReadMs)} ms`,
      `${Math.round(worstWriteMs)} ms`,
      get,
      set,
    ]),
  ]);
}
