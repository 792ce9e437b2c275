/** The documents of the API, read and used as an app developer's tools do. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../../scripts/paths.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";

let product: Product;
const folder = mkdtempSync(join(tmpdir(), "shutterline-documents-"));
beforeAll(async () => {
  product = await Product.start();
});
afterAll(async () => {
  await product.remove();
  rmSync(folder, { recursive: true, force: true });
});

const REDOCLY = join(ROOT, "node_modules/@redocly/cli/bin/cli.js");

type Finding = { ruleId: string; severity: string; message: string; location: { pointer: string }[] };

/** Returns what the linter finds in a document of the running product, by its recommended rules. */
async function findingsIn(name: string): Promise<string[]> {
  const file = join(folder, name.replaceAll("/", "-"));
  writeFileSync(file, await (await fetch(`${product.address}/v1/${name}`)).text());
  const lint = ["lint", file, "--extends", "recommended", "--format", "json"];
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const { stdout } = await promisify(execFile)(process.execPath, [REDOCLY, ...lint], {
    env,
    maxBuffer: 64 * 1024 * 1024,
  }).catch(
    (error: unknown) => error as { stdout: string }, // It also exits with 1 when it has found something.
  );
  const { problems } = JSON.parse(stdout) as { problems: Finding[] };
  return problems.map(({ severity, ruleId, location }) => `${severity} ${ruleId} ${location[0]?.pointer ?? ""}`);
}

it.each(["openapi.json", "admin/openapi.json", "asyncapi.json"])(
  "has nothing for a linter to find in %s",
  async (name) => {
    // Opening a WebSocket is answered with 101, and the rule knows no WebSockets.
    const socket = /operation-2xx-response #\/paths\/~1v1~1live\/get\/responses$/;
    expect((await findingsIn(name)).filter((finding) => !socket.test(finding))).toEqual([]);
  },
);

type Document = {
  servers: { url: string }[];
  paths: Record<string, Record<string, { operationId: string }>>;
};
type Call = { path?: Record<string, string>; body?: unknown; raw?: Uint8Array<ArrayBuffer>; token?: string };

it("is enough for a client that knows nothing else", async () => {
  const document = (await (await fetch(`${product.address}/v1/openapi.json`)).json()) as Document;
  const call = async <T>(operation: string, { path = {}, body, raw, token }: Call): Promise<T> => {
    const [template, method] =
      Object.entries(document.paths)
        .flatMap(([each, methods]) =>
          Object.entries(methods).map(([name, { operationId }]) => [each, name, operationId]),
        )
        .find(([, , id]) => id === operation) ?? [];
    const filled = template?.replaceAll(/\{(\w+)\}/g, (_, name: string) => path[name] ?? "") ?? "";
    const response = await fetch(new URL(filled, new URL(document.servers[0]?.url ?? "", product.address)), {
      method: method?.toUpperCase() ?? "",
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...((raw ?? body) !== undefined && { body: raw ?? JSON.stringify(body) }),
    });
    expect(response.ok, `${operation}: ${response.status}`).toBe(true);
    return (await response.json()) as T;
  };

  const { token } = await call<{ token: string }>("signUp", {
    body: { handle: "naive", password: "correct horse battery" },
  });
  const { id } = await call<{ id: string }>("uploadMedia", { token, raw: readPhotograph("nagasaki-boats") });
  await eventually(async () => {
    expect(await call("getMedia", { token, path: { id } })).toMatchObject({ state: "ready" });
  }, 30_000);
  const post = await call<{ id: string }>("publishPost", { token, body: { caption: "Boats", media: [{ id }] } });
  const path = { post: post.id };
  expect(await call("getPost", { token, path })).toMatchObject({ caption: "Boats" });
  expect(await call("likePost", { token, path })).toMatchObject({ liked: true, likes: 1 });
  expect(await call("comment", { token, path, body: { text: "Calm water" } })).toMatchObject({ text: "Calm water" });
});
