/** How `npm start` fails, and what it leaves running. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/paths.ts";
import { descendantsOf, isAlive } from "../../scripts/process/processes.ts";
import { readServerRecord } from "../../scripts/process/running.ts";
import { eventually } from "./harness/eventually.ts";
import { allGone, Product, runToEnd } from "./harness/product.ts";

const folder = mkdtempSync(join(tmpdir(), "shutterline-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Expects a start to fail with a message and no stack trace. Returns its output. */
async function refusal(...options: string[]): Promise<string> {
  const { code, output } = await runToEnd("scripts/start.ts", ...options);
  expect(code, output).toBe(1);
  expect(output).not.toMatch(/^\s+at /m);
  return output;
}

it("names a taken port, and the option for another one", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const output = await refusal("--state", join(folder, "port"), "--port", String(port));
  expect(output).toContain(`Port ${port} is already in use`);
  expect(output).toContain(`--port ${port + 1}`);
  other.close();
});

it("explains its options when given an unknown one", async () => {
  expect(await refusal("--prot", "80")).toContain("--port N");
});

it("reports that the state is a file, and how to start over", async () => {
  const state = join(folder, "file/.shutterline");
  mkdirSync(join(folder, "file"));
  writeFileSync(state, "");
  const output = await refusal("--state", state, "--port", "0");
  expect(output).toContain(`${state} cannot be used: it is not a folder`);
  expect(output).toContain("--fresh");
});

it("deletes no folder that is not named .shutterline", async () => {
  const precious = join(folder, "precious");
  mkdirSync(precious);
  writeFileSync(join(precious, "thesis.txt"), "");
  expect(await refusal("--fresh", "--state", precious, "--port", "0")).toContain("--fresh only deletes");
  expect(readdirSync(precious)).toEqual(["thesis.txt"]);
});

it("reports a damaged database, and how to start over", async () => {
  const state = join(folder, "damaged/.shutterline");
  await (await Product.start({ state })).stop();
  const databases = join(state, "v3/d1/miniflare-D1DatabaseObject");
  for (const file of readdirSync(databases)) writeFileSync(join(databases, file), "no longer a database");
  const output = await refusal("--state", state, "--port", "0", "--no-seed");
  expect(output).toContain("not a database");
  expect(output).toContain("--fresh");

  const product = await Product.start({ state, fresh: true });
  await product.api.signUp({ handle: "first_again", password: "correct horse battery" });
  await product.stop();
});

describe("one server", () => {
  let product: Product;
  beforeAll(async () => {
    product = await Product.start();
  });
  afterAll(() => product.remove());

  it("prevents a second server on the same state, and names its address", async () => {
    const output = await refusal("--state", product.state, "--port", "0");
    expect(output).toContain(`already running at ${product.address}`);
    expect((await fetch(`${product.address}/healthz`)).status).toBe(200);
  });

  it("ends the runtime that a killed server left behind, and takes over its port", async () => {
    const [node, workerd, ...others] = product.processes();
    if (!node || !workerd) throw new Error("it has too few processes");
    expect(workerd.command).toContain("workerd");
    expect(others).toEqual([]);
    process.kill(node.pid, "SIGKILL");
    await allGone([node]);
    expect(isAlive(workerd)).toBe(true); // Left alone, it would serve old code for ever.

    await product.restart();
    expect(isAlive(workerd)).toBe(false);
  });

  it.each(["SIGHUP", "SIGINT"] as const)("stops everything on %s", async (signal) => {
    if (product.processes().length === 0) await product.restart();
    const processes = product.processes();
    expect(processes).toHaveLength(2);
    process.kill(processes[0]?.pid ?? 0, signal);
    await allGone(processes);
    expect(readServerRecord(product.state)).toBeUndefined();
  });
});

it("stops everything when the npm that started it is killed", async () => {
  const state = join(folder, "npm");
  // Skips prestart, which would reinstall packages that other tests are using.
  const options = ["--state", state, "--port", "0", "--no-seed"];
  const npm = spawn("npm", ["start", "--ignore-scripts", "--", ...options], { cwd: ROOT, stdio: "ignore" });
  await eventually(async () => expect(readServerRecord(state)?.address).toBeDefined(), 60_000);
  const processes = descendantsOf(npm.pid ?? 0);
  expect(processes.map(({ command }) => command)).toContainEqual(expect.stringContaining("workerd"));
  npm.kill("SIGKILL");
  await allGone(processes);
});
