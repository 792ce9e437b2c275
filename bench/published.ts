/** What the documentation shows of the benchmarks: docs/benchmarks.* and docs/costs.md, all of it written here. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/places.ts";
import { StartError } from "../scripts/start-error.ts";
import { barChart, lineChart } from "./chart.ts";
import type { Growth, Point } from "./growth.ts";
import { growthReports } from "./growth-report.ts";
import type { Operations } from "./operations.ts";
import { DELIVERED_OF_LIMIT, operationsReports, ratioOf } from "./operations-report.ts";
import { markdownOf, type Report } from "./report.ts";

export const MACHINE = { processors: availableParallelism(), model: cpus()[0]?.model ?? "", node: process.version };

type Measurement<T> = { at: string; machine: typeof MACHINE; measured: T };
type Benchmarks = { operations?: Measurement<Operations>; growth?: Measurement<Growth> };

const BENCHMARKS = "docs/benchmarks.json";

export function savedOperations(): Operations {
  const { operations } = saved();
  if (!operations) throw new StartError(`${BENCHMARKS} holds no operations: npm run bench -- --write-docs writes it.`);
  return operations.measured;
}

const saved = (): Benchmarks => {
  const file = join(ROOT, BENCHMARKS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Benchmarks) : {};
};

/** The other part stays as it was. */
export function saveMeasured(part: { operations?: Operations; growth?: Growth }): void {
  const benchmarks = saved();
  const now = { at: new Date().toISOString(), machine: MACHINE };
  if (part.operations) benchmarks.operations = { ...now, measured: part.operations };
  if (part.growth) benchmarks.growth = { ...now, measured: part.growth };
  write(BENCHMARKS, JSON.stringify(benchmarks, null, 2));
  write("docs/benchmarks.md", benchmarksPage(benchmarks));
  const { operations, growth } = benchmarks;
  if (operations) write("docs/images/benchmarks.svg", ratiosChart(operations.measured));
  if (growth) {
    const { followees, posts } = growth.measured;
    write("docs/images/benchmarks-followees.svg", growthChart("people one follows", followees));
    write("docs/images/benchmarks-posts.svg", growthChart("posts there are", posts));
  }
}

export const saveCosts = (reports: readonly Report[]): void =>
  write(
    "docs/costs.md",
    [
      "# What it costs",
      "Written by `npm run bench -- cost --write-docs`; the arithmetic is in `bench/`.",
      ...sections(reports),
    ].join("\n\n"),
  );

function benchmarksPage({ operations, growth }: Benchmarks): string {
  return [
    "# Benchmarks",
    "Written by `npm run bench -- --write-docs` and `npm run bench -- growth --write-docs`; all that was measured is in [benchmarks.json](benchmarks.json). What it costs: [costs.md](costs.md).",
    ...(operations
      ? [
          madeOn("Operations", operations),
          "![Each operation beside its limit](images/benchmarks.svg)",
          ...sections(operationsReports(operations.measured)),
        ]
      : []),
    ...(growth
      ? [
          madeOn("Growth", growth),
          "![Feed page against followees](images/benchmarks-followees.svg)",
          "![Feed page against posts](images/benchmarks-posts.svg)",
          ...sections(growthReports(growth.measured)),
        ]
      : []),
  ].join("\n\n");
}

const madeOn = (title: string, { at, machine }: Measurement<unknown>): string =>
  `## ${title}\n\nMeasured on ${at.slice(0, 10)}, on ${machine.processors} processors (${machine.model}), which the load shares with the product; Node ${machine.node}.`;

const sections = (reports: readonly Report[]): string[] => reports.map(markdownOf);

const ratiosChart = ({ lines, deliveries }: Operations): string =>
  barChart("Requests a second beside the limit of the runtime; the mark is the target", [
    ...lines.map((line) => ({ label: labelOf(line), value: ratioOf(line), target: line.target })),
    ...(deliveries
      ? [{ label: "deliveries", value: deliveries.perSecond / deliveries.limit, target: DELIVERED_OF_LIMIT }]
      : []),
  ]);

/** Of the mix, its name is enough. */
const labelOf = ({ name, title }: Operations["lines"][number]): string => (name === "mix" ? name : title);

const growthChart = (axis: string, points: readonly Point[]): string =>
  lineChart(
    "A feed page of 30, in ms",
    axis,
    { label: "p50", points: points.map(({ size, times }) => ({ x: size, y: times.p50 })) },
    { label: "p99", points: points.map(({ size, times }) => ({ x: size, y: times.p99 })) },
  );

const write = (name: string, text: string): void => writeFileSync(join(ROOT, name), `${text}\n`);
