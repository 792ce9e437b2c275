/**
 * `npm run dev`: the Worker on `wrangler dev` and the client on vite, both built again with every change. The state is
 * that of `npm start`; `-- --port N` serves on another port than 8787.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildClient, vite } from "./client-build.ts";
import { ROOT, STATE } from "./places.ts";
import { refuseTakenPort } from "./ports.ts";
import { claim, record, settle } from "./running.ts";
import { DEMO } from "./seed-data.ts";
import { seed } from "./seed.ts";
import { failedToStart } from "./start-error.ts";
import { isSeeded, markSeeded, openState } from "./state.ts";
import { step } from "./step.ts";
import { whenAskedToStop } from "./stop.ts";

const HOST = "127.0.0.1";
const { values } = parseArgs({ options: { port: { type: "string", default: "8787" } } });
const ADDRESS = `http://localhost:${values.port}`;
// prettier-ignore
const WRANGLER = [
  join(ROOT, "node_modules/wrangler/bin/wrangler.js"), "dev",
  "--persist-to", STATE, "--ip", HOST, "--port", values.port,
  "--live-reload", "--test-scheduled", "--show-interactive-dev-session=false",
];
// Wrangler would otherwise ask the network for where this machine is, and report what is done with it.
const OFFLINE = { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" };
const CRON_EVERY = 60_000;

const children: ChildProcess[] = [];

async function main(): Promise<void> {
  await settle(STATE);
  openState(STATE);
  claim(STATE);
  await refuseTakenPort(HOST, Number(values.port));
  await step("Web client", async () => ((await buildClient()) ? "built" : "up to date"));
  await step("Database", async () => {
    const { migrateAlone } = await import("./migrate-alone.ts");
    return `${await migrateAlone(STATE)} migrations applied`;
  });

  run(vite("--watch", "--logLevel", "warn"));
  run(WRANGLER);
  await answering();
  record(STATE, ADDRESS);
  if (!isSeeded(STATE)) {
    await step("Demo", (progress) => seed(ADDRESS, progress));
    markSeeded(STATE);
  }
  console.log(`\n  Shutterline is at ${ADDRESS}; sign in as ${DEMO.handle} with the password ${DEMO.password}\n`);
  for (;;) {
    await fetch(`${ADDRESS}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`).catch(console.error);
    await sleep(CRON_EVERY);
  }
}

/** One of them without the other is of no use. */
function run(command: string[]): void {
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, ...OFFLINE },
    stdio: ["ignore", "inherit", "inherit"],
  });
  child.on("exit", stop);
  children.push(child);
}

async function answering(): Promise<void> {
  while (!(await fetch(ADDRESS).catch(() => undefined))) await sleep(100);
}

/** Wrangler ends its workerd itself, and needs a moment for it. */
function stop(): void {
  for (const child of children) child.kill("SIGTERM");
  if (children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) process.exit(0);
}

whenAskedToStop(stop);
await main().catch(failedToStart);
