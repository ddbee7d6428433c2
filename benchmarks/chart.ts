// Draws the ratios of a result as bars into an SVG file: processor time above, throughput below.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as echarts from "echarts";
import type { ProcessName } from "./cases.ts";
import { type Results, resultsDirectory } from "./results.ts";
import type { Speed, Summary } from "./speed.ts";

const size = { width: 960, height: 760 };
/** Both panels have the same columns below each other. */
const panels = [
  { left: 60, right: 30, top: 100, height: 250 },
  { left: 60, right: 30, top: 450, height: 220 },
];

interface Bars {
  readonly name: ProcessName;
  readonly title: string;
  readonly color: string;
}

/** Told apart without colour vision too (Okabe and Ito's palette). */
const bars: readonly Bars[] = [
  { name: "one", title: "one node", color: "#0072b2" },
  { name: "three", title: "three nodes: leader", color: "#e69f00" },
  { name: "three follower", title: "three nodes: each follower", color: "#f0e442" },
  { name: "lease", title: "three nodes, lease reads: leader", color: "#009e73" },
];

/** Redis' own line, at 1, is always in sight. */
const ratioAxis = {
  ...{ type: "value" as const, name: "ratio", min: 0 },
  max: ({ max }: { readonly max: number }) => Math.max(1, Math.ceil(max * 5) / 5),
};

type FigureOf = (speed: Speed, name: ProcessName) => Summary | undefined;
const processorTime: FigureOf = (speed, name) => speed.processorTime[name];
const throughput: FigureOf = (speed, name) => (speed.throughput as Speed["processorTime"])[name];

/** Writes chart.svg beside the results and returns its path. */
export function writeChart(results: Results): string {
  const path = join(resultsDirectory(), "chart.svg");
  writeFileSync(path, `${draw(results)}\n`);
  return path;
}

export function draw(results: Results): string {
  const { commit, date, redis, cpu } = results.environment;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  const heading = (text: string, subtext: string, top: number) => ({
    ...{ text, subtext, top, left: "center", itemGap: 4 },
  });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: [
      heading(
        `Processor time per request, redis-server ${redis} with AOF always = 1 (less is better)`,
        `kvorum ${commit}, ${date.slice(0, 10)}, ${cpu}`,
        8,
      ),
      heading("Requests per second, redis-server = 1 (more is better)", "", 405),
    ],
    // Without a browser the width of a text is guessed: the gap makes room for wider fonts.
    legend: { bottom: 8, itemGap: 40, data: bars.map(({ title }) => title) },
    grid: panels,
    xAxis: [categories(results, 0), categories(results, 1)],
    yAxis: panels.map((_, gridIndex) => ({ ...ratioAxis, gridIndex })),
    series: [
      ...bars.map((each) => series(results, each, 0)),
      ...bars.filter(isServer).map((each) => series(results, each, 1)),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Each column with what redis-server has in it. */
function categories({ columns }: Results, panel: number) {
  const data = columns.map((speed) => {
    const { redis } = panel === 0 ? speed.processorTime : speed.throughput;
    const figure = redis?.median ?? 0;
    const absolute = panel === 0 ? `${figure.toFixed(1)} µs` : `${Math.round(figure / 1_000)} k/s`;
    return `${speed.case.name}\nRedis: ${absolute}`;
  });
  return { type: "category" as const, data, gridIndex: panel };
}

/** Clients talk to no follower: it has a processor time only. */
function isServer({ name }: Bars): boolean {
  return name !== "three follower";
}

function series({ columns }: Results, { name, title, color }: Bars, panel: number) {
  const figure = panel === 0 ? processorTime : throughput;
  return {
    type: "bar" as const,
    name: title,
    color,
    xAxisIndex: panel,
    yAxisIndex: panel,
    data: columns.map((speed) => {
      const ratio = figure(speed, name)?.ratio;
      return ratio === undefined ? null : Number(ratio.toFixed(2));
    }),
    label: { show: true, position: "top" as const, fontSize: 10 },
    markLine: {
      ...{ silent: true, symbol: "none", label: { show: false } },
      lineStyle: { color: "#666666" },
      data: [{ yAxis: 1 }],
    },
  };
}
