/** `npm start`: everything on this machine, from an empty folder to one printed address. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildClient } from "./client-build.ts";
import { STATE } from "./places.ts";
import { refuseTakenPort } from "./ports.ts";
import { claim, record, settle } from "./running.ts";
import { DEMO } from "./seed-data.ts";
import { seed } from "./seed.ts";
import type { Server, ServerOptions } from "./server.ts";
import { failedToStart, StartError } from "./start-error.ts";
import { discard, isSeeded, markSeeded, openState } from "./state.ts";
import { step } from "./step.ts";
import { whenAskedToStop } from "./stop.ts";

const USAGE = `npm start -- [options]
  --port N       the port to serve on; 0 takes a free one     (8787)
  --host NAME    the address to listen on                     (127.0.0.1)
  --state PATH   the folder that everything is stored in      (.shutterline)
  --config FILE  another wrangler.toml: with more databases   (wrangler.toml)
  --fresh        deletes that folder first
  --no-seed      begins without the demo community`;

type Options = {
  port: number;
  host: string;
  state: string;
  config: string | undefined;
  fresh: boolean;
  seeds: boolean;
};

async function main(): Promise<void> {
  const { port, host, state, config, fresh, seeds } = options();
  const started = performance.now();
  await settle(state);
  if (fresh) discard(state);
  openState(state);
  claim(state);
  await refuseTakenPort(host, port);

  await step("Web client", async () => ((await buildClient()) ? "built" : "up to date"));
  let address = "";
  await step("Server", async () => {
    const server = await serve({ state, host, port, config, onRestart: () => record(state, address) });
    address = `http://${browsable(host)}:${server.port}`;
    record(state, address);
    return server.migrated > 0 ? `started, ${server.migrated} migrations applied` : "started";
  });
  if (seeds && !isSeeded(state)) {
    await step("Demo", (progress) => seed(address, progress));
    markSeeded(state);
  }
  console.log(`\n  Shutterline is at ${address} (after ${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (isSeeded(state)) console.log(`  Sign in as ${DEMO.handle} with the password ${DEMO.password}`);
  console.log("  Ctrl-C stops it; what was written stays.\n");
}

async function serve(options: ServerOptions): Promise<Server> {
  // Imported here, because that takes a second, and a refusal before it should not.
  const { startServer } = await import("./server.ts");
  return await startServer(options);
}

function options(): Options {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string", default: "8787" },
        host: { type: "string", default: "127.0.0.1" },
        state: { type: "string", default: STATE },
        config: { type: "string" },
        fresh: { type: "boolean", default: false },
        seed: { type: "boolean", default: true },
        help: { type: "boolean", default: false },
      },
      allowNegative: true,
    });
    if (values.help) throw new StartError(USAGE);
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new StartError("--port must be 0 to 65535.");
    const config = values.config === undefined ? undefined : resolve(values.config);
    return { port, host: values.host, state: resolve(values.state), config, fresh: values.fresh, seeds: values.seed };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

// A browser gives cookies and passkeys of `localhost` the trust of HTTPS, and to 127.0.0.1 not all of it.
const browsable = (host: string): string => (["127.0.0.1", "::1", "0.0.0.0", "::"].includes(host) ? "localhost" : host);

whenAskedToStop();
await main().catch(failedToStart);
