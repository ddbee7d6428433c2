// Draws the ratios of a result as bars into an SVG file.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as echarts from "echarts";
import { systemsOf } from "./report.ts";
import { type Results, resultsDirectory } from "./results.ts";
import { titles } from "./systems.ts";

const size = { width: 900, height: 420 };
/** Told apart without colour vision too (Okabe and Ito's palette). */
const colors = ["#999999", "#0072b2", "#e69f00"];

/** Writes chart.svg beside the results and returns its path. */
export function writeChart(results: Results): string {
  const path = join(resultsDirectory(), "chart.svg");
  writeFileSync(path, `${draw(results)}\n`);
  return path;
}

export function draw(results: Results): string {
  const { commit, date, redis } = results.environment;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: colors,
    title: {
      text: `Operations per second, redis-server ${redis} with AOF always = 1`,
      subtext: `kvorum ${commit}, ${date.slice(0, 10)}, ${results.environment.cpu}`,
      left: "center",
    },
    legend: { bottom: 8 },
    grid: { left: 60, right: 30, top: 80, bottom: 70 },
    xAxis: { type: "category", data: results.columns.map((column) => column.case.name) },
    yAxis: { type: "value", name: "ratio", min: 0 },
    series: systemsOf(results).map((name) => ({
      type: "bar" as const,
      name: titles[name],
      data: results.columns.map(({ ratio }) => Number((ratio[name] ?? 0).toFixed(2))),
      label: { show: true, position: "top" as const, fontSize: 10 },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
