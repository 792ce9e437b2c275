/** `npm start`: builds, migrates, seeds and serves everything on this machine, and prints its address. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildClient } from "./local-server/client-build.ts";
import type { Server, ServerOptions } from "./local-server/server.ts";
import { discard, isSeeded, markSeeded, openState } from "./local-server/state.ts";
import { STATE } from "./paths.ts";
import { ensurePortIsFree } from "./process/ports.ts";
import { step } from "./process/progress-line.ts";
import { claim, record, takeOver } from "./process/running.ts";
import { whenAskedToStop } from "./process/shutdown.ts";
import { exitWithError, StartError } from "./process/start-error.ts";
import { DEMO } from "./seed/seed-data.ts";
import { seed } from "./seed/seed.ts";

const USAGE = `npm start -- [options]
  --port N           port to listen on; 0 picks a free one            (8787)
  --host NAME        address to listen on                             (127.0.0.1)
  --state PATH       folder for all data                              (.shutterline)
  --config FILE      use this config, for example for more databases  (wrangler.toml)
  --var NAME:VALUE   set a variable of the config; may be repeated
  --fresh            delete all data first
  --no-seed          start without the demo community`;

type Options = {
  port: number;
  host: string;
  state: string;
  config: string | undefined;
  vars: Record<string, string>;
  fresh: boolean;
  seeds: boolean;
};

async function main(): Promise<void> {
  const { port, host, state, config, vars, fresh, seeds } = options();
  const started = performance.now();
  await takeOver(state);
  if (fresh) discard(state);
  openState(state);
  claim(state);
  await ensurePortIsFree(host, port);

  await step("Web client", async () => ((await buildClient()) ? "built" : "up to date"));
  let address = "";
  await step("Server", async () => {
    const server = await serve({
      state,
      host,
      port,
      config,
      bindings: vars,
      onRestart: () => record(state, address),
    });
    address = `http://${browsable(host)}:${server.port}`;
    record(state, address);
    return server.migrated > 0 ? `started, ${server.migrated} migrations applied` : "started";
  });
  if (seeds && !isSeeded(state)) {
    await step("Demo", (progress) => seed(address, progress));
    markSeeded(state);
  }
  console.log(
    `\n  Shutterline is running at ${address} (ready in ${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  if (isSeeded(state)) console.log(`  Sign in as ${DEMO.handle} with the password ${DEMO.password}`);
  console.log("  Press Ctrl-C to stop it. Your data is kept for the next start.\n");
}

async function serve(options: ServerOptions): Promise<Server> {
  // Imported only now, because it takes a second, and errors before it should show at once.
  const { startServer } = await import("./local-server/server.ts");
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
        var: { type: "string", multiple: true, default: [] },
        fresh: { type: "boolean", default: false },
        seed: { type: "boolean", default: true },
        help: { type: "boolean", default: false },
      },
      allowNegative: true,
    });
    if (values.help) throw new StartError(USAGE);
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new StartError("--port must be a number from 0 to 65535.");
    const config = values.config === undefined ? undefined : resolve(values.config);
    return {
      port,
      host: values.host,
      state: resolve(values.state),
      config,
      vars: Object.fromEntries(values.var.map(varOf)),
      fresh: values.fresh,
      seeds: values.seed,
    };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function varOf(text: string): [name: string, value: string] {
  const [, name, value] = /^(\w+):(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new StartError("--var must have the form NAME:VALUE.");
  return [name, value];
}

// Browsers treat `localhost` like HTTPS for cookies and passkeys, but 127.0.0.1 only in part.
const browsable = (host: string): string => (["127.0.0.1", "::1", "0.0.0.0", "::"].includes(host) ? "localhost" : host);

whenAskedToStop();
await main().catch(exitWithError);
