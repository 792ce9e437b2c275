/**
 * `npm run bench -- WHAT`: tables of the product as `npm start` runs it. Ends with 1 when a request failed or a count was
 * wrong, because the rest then means nothing. A target that was missed is no failure.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { exitWithError, StartError } from "../scripts/start-error.ts";
import { whenAskedToStop } from "../scripts/stop.ts";
import { combining } from "./combining.ts";
import { costReports } from "./costs-report.ts";
import { measureGrowth } from "./growth.ts";
import { growthReports } from "./growth-report.ts";
import { hotPost } from "./hot-post.ts";
import { killedFanOutReport } from "./killed-fan-out-report.ts";
import { LINE_NAMES } from "./lines.ts";
import { measureOperations } from "./operations.ts";
import { operationsReports } from "./operations-report.ts";
import { MACHINE, savedOperations, saveCosts, saveMeasured } from "./published.ts";
import { markdownOf, type Report } from "./report.ts";
import { sizes } from "./sizes.ts";
import { uploads } from "./uploads.ts";

const USAGE = `npm run bench   every operation beside the limits of the runtime, and what it asks of other stores
  --seconds 3        how long, each
  --only feed,post   some of ${LINE_NAMES.join(", ")}
  --write-docs       writes docs/benchmarks.*, once all lines are measured
npm run bench -- growth   a feed against how many one follows, and how many posts there are
  --write-docs       adds it to docs/benchmarks.*
npm run bench -- cost   dollars, from what docs/benchmarks.json has counted
  --write-docs       writes docs/costs.md
npm run bench -- likes   a post that everybody likes at once
  --connections 1,16,64,256   how many at once
  --seconds 8                 how long, each
  --runs 1                    how often; the table shows the median
npm run bench -- combining   the same, straight to the post's actor: each alone, together, and through gates
npm run bench -- kill   a post to many followers, killed in its midst, and what others wait meanwhile
  --followers 100000   of whom one in 20 has a bell
  --kills 2
npm run bench -- uploads   large files at once, and the memory that they take
npm run bench -- sizes   posts with few and with many likes and comments
All: --json FILE   writes all that was measured`;

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
      only: { type: "string" },
      "write-docs": { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const connections = values.connections.split(",").map(Number);
  const runs = Number(values.runs);
  const seconds = (usual: number) => Number(values.seconds ?? usual);
  const [followers = 0, kills = 0, megabytes = 0] = [values.followers, values.kills, values.megabytes].map(Number);
  const only = values.only?.split(",");
  const isCount = (value: number) => Number.isSafeInteger(value) && value > 0;
  const isRight =
    seconds(1) > 0 &&
    [...connections, runs, followers, kills, megabytes].every(isCount) &&
    !only?.some((name) => !LINE_NAMES.includes(name));
  const writes = values["write-docs"];
  const benches: Record<string, Bench> = {
    operations: () => operations(seconds(3), only, writes),
    growth: () => growth(writes),
    cost: async () => cost(writes),
    likes: async () => [await hotPost({ connections, seconds: seconds(8), runs })],
    combining: async () => [await combining({ connections, seconds: seconds(8), runs })],
    kill: async () => [await killedFanOutReport({ followers, bells: Math.ceil(followers / 20), kills })],
    uploads: async () => [await uploads(megabytes)],
    sizes: async () => [await sizes()],
  };
  const bench = benches[positionals[0] ?? "operations"];
  if (!bench || !isRight || (only && writes)) throw new StartError(USAGE);
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

function cost(writes: boolean): Report[] {
  const reports = costReports(savedOperations());
  if (writes) saveCosts(reports);
  return reports;
}

whenAskedToStop();
await main().catch(exitWithError);
