/** Runs the real product, as `npm start` does, with a state folder and a port of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Api } from "../../../scripts/api-client.ts";
import { isSeeded } from "../../../scripts/local-server/state.ts";
import { ROOT } from "../../../scripts/paths.ts";
import { descendantsOf, findProcess, isAlive, killAll, type Process } from "../../../scripts/process/processes.ts";
import { readServerRecord } from "../../../scripts/process/running.ts";

const STARTS_WITHIN = 120_000;
const STOPS_WITHIN = 10_000;

export type ProductOptions = {
  /** Starts with the demo community. */
  seed?: boolean;
  /** The folder for all state; a new one by default. */
  state?: string;
  /** The path of a file to use in place of wrangler.toml. */
  config?: string | undefined;
  /** Changes to VARS. */
  vars?: Record<string, string>;
  /** Deletes the state folder's content first. */
  fresh?: boolean;
};

/** Tests write in masses, and many sign up. */
const VARS = { LIMITS: "off", PASSWORD_COST: "ln=4,r=8,p=1" };

/**
 * A running product:
 *
 *     const product = await Product.start();
 *     const ada = product.api.as(await product.api.signUp({ handle: "ada", password: "..." }));
 *     await product.remove();
 */
export class Product {
  readonly state: string;
  readonly #seed: boolean;
  readonly #config: string | undefined;
  readonly #vars: Record<string, string>;
  #server: Running | undefined;
  #port = 0;
  #output = "";

  private constructor(state: string, seed: boolean, config: string | undefined, vars: Record<string, string>) {
    this.state = state;
    this.#seed = seed;
    this.#config = config;
    this.#vars = vars;
  }

  static async start({
    seed = false,
    state = newState(),
    config,
    vars = {},
    fresh = false,
  }: ProductOptions = {}): Promise<Product> {
    const product = new Product(state, seed, config, { ...VARS, ...vars });
    await product.restart(...(fresh ? ["--fresh"] : []));
    return product;
  }

  get address(): string {
    return `http://localhost:${this.#port}`;
  }

  /** An API client without a session. */
  get api(): Api {
    return new Api(this.address);
  }

  /** Everything it has written to the terminal since the first start. */
  get output(): string {
    return this.#output;
  }

  /** Starts it on the existing state and the same port. Resolves once it serves requests (and is seeded). */
  async restart(...options: string[]): Promise<void> {
    const where = [
      "--state",
      this.state,
      "--port",
      String(this.#port),
      ...Object.entries(this.#vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
      this.#seed ? "--seed" : "--no-seed",
    ];
    const config = this.#config === undefined ? [] : ["--config", this.#config];
    const server = run("scripts/start.ts", ...where, ...config, ...options);
    this.#server = server;
    server.onOutput((text) => (this.#output += text));
    const deadline = Date.now() + STARTS_WITHIN;
    for (;;) {
      const running = readServerRecord(this.state);
      if (running?.address && running.server.pid === server.process.pid) {
        this.#port = Number(new URL(running.address).port);
        if (!this.#seed || isSeeded(this.state)) return;
      }
      if (server.process.exitCode !== null) throw new Error(`it ended instead of starting:\n${this.#output}`);
      if (Date.now() > deadline) throw new Error(`it did not start within ${STARTS_WITHIN} ms:\n${this.#output}`);
      await sleep(20);
    }
  }

  /** All of its processes, the server's own first. */
  processes(): Process[] {
    const pid = this.#server?.process.pid;
    const self = pid === undefined ? undefined : findProcess(pid);
    return self ? [self, ...descendantsOf(self.pid)] : [];
  }

  /** Kills all processes at once, as a power cut would, with no chance to write anything. */
  async kill(): Promise<void> {
    await killAll(this.processes());
  }

  /** Suspends the runtime for `ms`, as a machine that goes to sleep does. */
  async pause(ms: number): Promise<void> {
    const runtime = this.processes().find(({ command }) => command.includes("workerd"));
    if (!runtime) throw new Error("there is no runtime to suspend");
    process.kill(runtime.pid, "SIGSTOP");
    try {
      await sleep(ms);
    } finally {
      process.kill(runtime.pid, "SIGCONT");
    }
  }

  /** Stops it as Ctrl-C does. Throws if a process is left running. */
  async stop(): Promise<void> {
    const processes = this.processes();
    this.#server?.process.kill("SIGTERM");
    await allGone(processes);
  }

  /** Stops it and deletes its state. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** A new state folder, with the name that `--fresh` requires before it deletes anything. */
const newState = (): string => join(mkdtempSync(join(tmpdir(), "shutterline-")), ".shutterline");

type Running = ReturnType<typeof run>;

/** Starts one of our scripts. `onOutput` listens to what it writes. */
export function run(script: string, ...options: string[]) {
  const child = spawn(process.execPath, [join(ROOT, script), ...options], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test that fails early must not leave a server behind.
  const stop = () => child.kill();
  process.once("exit", stop);
  child.once("exit", () => process.off("exit", stop));
  const onOutput = (listen: (text: string) => void) => {
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", listen);
  };
  return { process: child, onOutput };
}

/** Runs one of our scripts to its end. Resolves with its exit code and output. */
export async function runToEnd(script: string, ...options: string[]): Promise<{ code: number | null; output: string }> {
  const { process, onOutput } = run(script, ...options);
  let output = "";
  onOutput((text) => (output += text));
  const [code] = (await once(process, "close")) as [number | null];
  return { code, output };
}

/** Waits until all of `processes` have ended, and throws if one has not within 10 s. */
export async function allGone(processes: Process[]): Promise<void> {
  const deadline = Date.now() + STOPS_WITHIN;
  while (processes.some(isAlive)) {
    if (Date.now() > deadline) throw new Error(`left running: ${JSON.stringify(processes.filter(isAlive))}`);
    await sleep(20);
  }
}
