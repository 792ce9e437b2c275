/** A server that logs more than anybody reads: it must go on all the same. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { type Server, startServer } from "../../scripts/local-server/server.ts";
import { ROOT } from "../../scripts/paths.ts";
import { readServerRecord } from "../../scripts/process/running.ts";
import { changedConfig } from "./harness/config.ts";
import { eventually } from "./harness/eventually.ts";
import { allGone } from "./harness/product.ts";

const folder = mkdtempSync(join(tmpdir(), "shutterline-flood-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Each request to /v1/flood logs a megabyte, more than the pipes between workerd and a terminal hold. It pauses again and
 * again, so that others are answered meanwhile.
 */
const LINES = 1000;
const FLOOD = `export default {
  async fetch(request) {
    if (new URL(request.url).pathname === "/v1/flood") {
      for (let n = 0; n < ${LINES}; n += 1) {
        console.error("flood", n, "x".repeat(1000));
        if (n % 100 === 0) await scheduler.wait(1);
      }
    }
    return new Response("ok");
  },
  scheduled() {},
};
${["PostActor", "LikeGate", "LiveRelay", "UploadActor"].map((name) => `export class ${name} {}`).join("\n")}`;

const answers = async (address: string, path: string) =>
  (await fetch(address + path, { signal: AbortSignal.timeout(10_000) })).text();

/** The arguments with which Node starts a server of `state` whose Worker floods its log. */
function startOf(state: string): string[] {
  const main = join(folder, "flood.js");
  writeFileSync(main, FLOOD);
  const config = changedConfig(folder, (text) => text.replace(/main = ".*"/, `main = "${main}"`));
  return [join(ROOT, "scripts/start.ts"), "--state", state, "--port", "0", "--no-seed", "--config", config];
}

async function addressOf(state: string): Promise<string> {
  await eventually(async () => expect(readServerRecord(state)?.address).toBeDefined(), 60_000);
  return readServerRecord(state)?.address ?? "";
}

it("answers while nobody reads what it prints", async () => {
  const state = join(folder, "unread/.shutterline");
  // The pipe of its stderr is never read.
  const server = spawn(process.execPath, startOf(state), { stdio: ["ignore", "ignore", "pipe"] });
  server.stderr.pause();
  try {
    const address = await addressOf(state);
    for (let round = 0; round < 20; round += 1) expect(await answers(address, "/v1/flood")).toBe("ok");
    expect(await answers(address, "/healthz")).toBe("ok");

    let text = "";
    server.stderr
      .setEncoding("utf8")
      .on("data", (chunk: string) => (text += chunk))
      .resume();
    await answers(address, "/v1/flood");
    await eventually(async () => {
      await answers(address, "/v1/flood"); // The next lines say what was left out.
      expect(text).toMatch(/\d+ messages left out, because nobody read them/);
    }, 20_000);
    expect(text).toContain("[error] flood 0 x");
    expect(text.split("\n").length).toBeLessThan(20 * LINES);
  } finally {
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    await ended;
  }
});

/** Runs a command in a terminal of its own. */
const SCRIPT = "/usr/bin/script";

it.skipIf(!existsSync(SCRIPT))("answers while its terminal is stopped, and ends when it is told to", async () => {
  const state = join(folder, "stopped/.shutterline");
  const command = [process.execPath, ...startOf(state)].join(" ");
  const terminal = spawn(SCRIPT, ["--quiet", "--command", command, "/dev/null"], { stdio: "ignore" });
  try {
    const address = await addressOf(state);
    terminal.kill("SIGSTOP");
    for (let round = 0; round < 3; round += 1) expect(await answers(address, "/v1/flood")).toBe("ok");
    expect(await answers(address, "/healthz")).toBe("ok");
    const server = readServerRecord(state)?.server;
    if (!server) throw new Error("there is no server");
    process.kill(server.pid, "SIGTERM");
    await allGone([server]);
  } finally {
    terminal.kill("SIGCONT");
    terminal.kill("SIGTERM");
  }
});

it("answers what its own Node asks while it logs more than Node has read", async () => {
  const server: Server = await startServer({
    state: join(folder, "asked/.shutterline"),
    host: "127.0.0.1",
    port: 0,
    assets: false,
    script: FLOOD,
  });
  try {
    const floods = Array.from({ length: 20 }, () => answers(`http://127.0.0.1:${server.port}`, "/v1/flood"));
    const database = server.database("DB");
    for (let n = 0; n < 20; n += 1) {
      expect(await database.prepare("SELECT ?1 AS n").bind(n).first()).toEqual({ n });
    }
    expect(await Promise.all(floods)).toEqual(floods.map(() => "ok"));
  } finally {
    await server.stop();
  }
});
