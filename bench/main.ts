/**
 * `npm run bench -- WHAT`: benchmarks the product as `npm start` runs it, and prints tables. Exits with 1 if a request
 * failed or a count was wrong, because the figures are then meaningless. A missed target is not a failure.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { whenAskedToStop } from "../scripts/process/shutdown.ts";
import { exitWithError, StartError } from "../scripts/process/start-error.ts";
import { combining } from "./measurements/combining.ts";
import { measureFar } from "./measurements/far.ts";
import { measureGrowth } from "./measurements/growth.ts";
import { hotPost } from "./measurements/hot-post.ts";
import { LINE_NAMES } from "./measurements/lines.ts";
import { measureOperations } from "./measurements/operations.ts";
import { sizes } from "./measurements/post-sizes.ts";
import { soak } from "./measurements/soak.ts";
import { uploads } from "./measurements/uploads.ts";
import { markdownOf, type Report } from "./output/report.ts";
import { costReports } from "./reports/costs-report.ts";
import { MACHINE, savedOperations, saveCosts, saveMeasured } from "./reports/docs-pages.ts";
import { farReports } from "./reports/far-report.ts";
import { growthReports } from "./reports/growth-report.ts";
import { killedFanOutReport } from "./reports/killed-fan-out-report.ts";
import { operationsReports } from "./reports/operations-report.ts";

const USAGE = `npm run bench   compare every operation with the limits of the runtime, and count its calls to other stores
  --seconds 3        duration of each measurement
  --only feed,post   measure only these lines (the names are listed below)
  --write-docs       write docs/benchmarks.*; not together with --only
npm run bench -- growth   time feed pages by number of people followed, and by number of posts
  --write-docs       add the results to docs/benchmarks.*
npm run bench -- far   time requests from another continent and from the region of the primary, by simulated distances
  --write-docs       add the results to docs/benchmarks.*
npm run bench -- cost   compute costs in dollars from the counts in docs/benchmarks.json
  --write-docs       write docs/costs.md
npm run bench -- likes   like one post from many connections at once
  --connections 1,16,64,256   numbers of connections to measure
  --seconds 8                 duration of each measurement
  --runs 1                    number of runs; the table shows the median
npm run bench -- combining   the same, sent straight to the post's actor: one commit each, group commit, and gates
npm run bench -- kill   kill a fan-out to many followers, and time the posts of small authors meanwhile
  --followers 100000   number of followers; one in 20 has a bell
  --kills 2            number of kills
npm run bench -- uploads   upload large files concurrently, and measure the memory of the runtime
  --megabytes 200      size of each file
npm run bench -- sizes   time requests on posts with few and with many likes and comments
npm run bench -- soak   watch the memory of \`npm start\` under a mix of feeds, likes and comments over 1,000 posts
  --minutes 20         duration of the mix; two idle minutes follow
All of them accept --json FILE, which writes all measurements to FILE.
Names for --only: ${LINE_NAMES.join(", ")}`;

type Bench = () => Promise<Report[]>;

async function main(): Promise<void> {
  const { bench, json } = options();
  const reports = await bench();
  for (const report of reports) console.log(`\n${markdownOf(report)}\n`);
  if (json !== undefined) {
    writeFileSync(json, JSON.stringify({ at: new Date(), machine: MACHINE, reports }, null, 2));
  }
  const wrong = reports.flatMap((report) => report.wrong);
  for (const what of wrong) console.error(`WRONG: ${what}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

function options(): { bench: Bench; json: string | undefined } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      connections: { type: "string", default: "1,16,64,256" },
      seconds: { type: "string" },
      runs: { type: "string", default: "1" },
      followers: { type: "string", default: "100000" },
      kills: { type: "string", default: "2" },
      megabytes: { type: "string", default: "200" },
      minutes: { type: "string", default: "20" },
      only: { type: "string" },
      "write-docs": { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const connections = values.connections.split(",").map(Number);
  const runs = Number(values.runs);
  const seconds = (fallback: number) => Number(values.seconds ?? fallback);
  const [followers = 0, kills = 0] = [values.followers, values.kills].map(Number);
  const [megabytes = 0, minutes = 0] = [values.megabytes, values.minutes].map(Number);
  const only = values.only?.split(",");
  const isCount = (value: number) => Number.isSafeInteger(value) && value > 0;
  const isValid =
    seconds(1) > 0 &&
    [...connections, runs, followers, kills, megabytes, minutes].every(isCount) &&
    !only?.some((name) => !LINE_NAMES.includes(name));
  const writes = values["write-docs"];
  const benches: Record<string, Bench> = {
    operations: () => operations(seconds(3), only, writes),
    growth: () => growth(writes),
    far: () => far(writes),
    cost: async () => cost(writes),
    likes: async () => [await hotPost({ connections, seconds: seconds(8), runs })],
    combining: async () => [await combining({ connections, seconds: seconds(8), runs })],
    kill: async () => [await killedFanOutReport({ followers, bells: Math.ceil(followers / 20), kills })],
    uploads: async () => [await uploads(megabytes)],
    sizes: async () => [await sizes()],
    soak: async () => [await soak(minutes)],
  };
  const bench = benches[positionals[0] ?? "operations"];
  if (!bench || !isValid || (only && writes)) throw new StartError(USAGE);
  return { bench, json: values.json };
}

async function operations(seconds: number, only: string[] | undefined, writes: boolean): Promise<Report[]> {
  const measured = await measureOperations({ seconds, only: only && new Set(only) });
  if (writes) saveMeasured({ operations: measured });
  return operationsReports(measured);
}

async function growth(writes: boolean): Promise<Report[]> {
  const measured = await measureGrowth();
  if (writes) saveMeasured({ growth: measured });
  return growthReports(measured);
}

async function far(writes: boolean): Promise<Report[]> {
  const measured = await measureFar();
  if (writes) saveMeasured({ far: measured });
  return farReports(measured);
}

function cost(writes: boolean): Report[] {
  const reports = costReports(savedOperations());
  if (writes) saveCosts(reports);
  return reports;
}

whenAskedToStop();
await main().catch(exitWithError);
