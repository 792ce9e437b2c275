/**
 * `npm run dev`: runs the Worker on `wrangler dev` and builds the client with vite, both again with every change. It
 * uses the data folder of `npm start`. The default port is 8787; `-- --port N` chooses another.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildClient, vite } from "./local-server/client-build.ts";
import { isSeeded, markSeeded, openState } from "./local-server/state.ts";
import { ROOT, STATE } from "./paths.ts";
import { ensurePortIsFree } from "./process/ports.ts";
import { step } from "./process/progress-line.ts";
import { claim, record, takeOver } from "./process/running.ts";
import { whenAskedToStop } from "./process/shutdown.ts";
import { exitWithError } from "./process/start-error.ts";
import { StoppableOutput } from "./process/stoppable-output.ts";
import { DEMO } from "./seed/seed-data.ts";
import { seed } from "./seed/seed.ts";

const HOST = "127.0.0.1";
const { values } = parseArgs({ options: { port: { type: "string", default: "8787" } } });
const ADDRESS = `http://localhost:${values.port}`;
// prettier-ignore
const WRANGLER = [
  join(ROOT, "node_modules/wrangler/bin/wrangler.js"), "dev",
  "--persist-to", STATE, "--ip", HOST, "--port", values.port,
  "--live-reload", "--test-scheduled", "--show-interactive-dev-session=false",
];
// Without these, wrangler would look up this machine's location and send usage metrics.
const OFFLINE = { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
const CRON_EVERY = 60_000;

const children: ChildProcess[] = [];
const output = new StoppableOutput(process.stdout);

async function main(): Promise<void> {
  await takeOver(STATE);
  openState(STATE);
  claim(STATE);
  await ensurePortIsFree(HOST, Number(values.port));
  await step("Web client", async () => ((await buildClient()) ? "built" : "up to date"));
  await step("Database", async () => {
    const { migrateAlone } = await import("./local-server/migrate-alone.ts");
    return `${await migrateAlone(STATE)} migrations applied`;
  });

  run(vite("--watch", "--logLevel", "warn"));
  run(WRANGLER);
  await untilReachable();
  record(STATE, ADDRESS);
  if (!isSeeded(STATE)) {
    await step("Demo", (progress) => seed(ADDRESS, progress));
    markSeeded(STATE);
  }
  console.log(
    `\n  Shutterline is running at ${ADDRESS}\n  Sign in as ${DEMO.handle} with the password ${DEMO.password}\n`,
  );
  for (;;) {
    await fetch(`${ADDRESS}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`).catch(console.error);
    await sleep(CRON_EVERY);
  }
}

/**
 * Starts a child process, and stops everything when it exits: wrangler and vite are of no use without each other. Their
 * output goes through this process, so that a terminal that stops reading does not stop them as well.
 */
function run(command: string[]): void {
  const colors = process.stdout.isTTY && { FORCE_COLOR: "1" };
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, ...OFFLINE, ...colors },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => output.write(text));
  }
  child.on("exit", stop);
  children.push(child);
}

async function untilReachable(): Promise<void> {
  while (!(await fetch(ADDRESS).catch(() => undefined))) await sleep(100);
}

/** Stops all children. Exits once they have ended, because wrangler needs a moment to stop its workerd. */
function stop(): void {
  for (const child of children) child.kill("SIGTERM");
  if (children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) process.exit(0);
}

whenAskedToStop(stop);
await main().catch(exitWithError);
