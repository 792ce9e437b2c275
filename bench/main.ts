/**
 * `npm run bench -- WHAT`: one table each, of the product as `npm start` runs it. Ends with 1
 * when a request failed or a count was wrong, because the rest then means nothing.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { failedToStart, StartError } from "../scripts/start-error.ts";
import { whenAskedToStop } from "../scripts/stop.ts";
import { combining } from "./combining.ts";
import { hotPost } from "./hot-post.ts";
import { markdownOf, type Report } from "./report.ts";
import { sizes } from "./sizes.ts";

const USAGE = `npm run bench -- likes   a post that everybody likes at once
  --connections 1,16,64,256   how many at once
  --seconds 8                 how long, each
  --runs 1                    how often; the table shows the median
npm run bench -- combining   the same, straight to the post's actor: each alone, together, and through gates
npm run bench -- sizes   posts with few and with many likes and comments
All: --json FILE   writes all that was measured`;

async function main(): Promise<void> {
  const { bench, json } = options();
  const report = await bench();
  console.log(`\n${markdownOf(report)}\n`);
  if (json !== undefined) {
    const machine = { processors: availableParallelism(), model: cpus()[0]?.model, node: process.version };
    writeFileSync(json, JSON.stringify({ at: new Date(), machine, ...report }, null, 2));
  }
  for (const what of report.wrong) console.error(`WRONG: ${what}`);
  process.exitCode = report.wrong.length === 0 ? 0 : 1;
}

function options(): { bench: () => Promise<Report>; json: string | undefined } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      connections: { type: "string", default: "1,16,64,256" },
      seconds: { type: "string", default: "8" },
      runs: { type: "string", default: "1" },
      json: { type: "string" },
    },
  });
  const { json } = values;
  if (positionals[0] === "sizes") return { bench: sizes, json };
  const connections = values.connections.split(",").map(Number);
  const [seconds, runs] = [Number(values.seconds), Number(values.runs)];
  const isCount = (value: number) => Number.isSafeInteger(value) && value > 0;
  const bench = { likes: hotPost, combining }[positionals[0] ?? ""];
  if (!bench || !(seconds > 0) || ![...connections, runs].every(isCount)) {
    throw new StartError(USAGE);
  }
  return { bench: () => bench({ connections, seconds, runs }), json };
}

whenAskedToStop();
await main().catch(failedToStart);
