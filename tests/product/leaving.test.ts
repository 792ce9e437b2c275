/** Leaving the running product: a copy that another program reads, despite a cut; and an account that is erased, despite a kill. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Closings } from "../../schema/api/closings.ts";
import type { Export, ExportPart } from "../../schema/api/exports.ts";
import { adminTokenOf } from "../../scripts/local-server/state.ts";
import { eventually } from "./harness/eventually.ts";
import { Product, runToEnd } from "./harness/product.ts";

const PASSWORD = "shutterline-demo";
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const SOON = 60_000;

let product: Product;
const folder = mkdtempSync(join(tmpdir(), "shutterline-export-"));
beforeAll(async () => {
  product = await Product.start({ seed: true });
});
afterAll(async () => {
  await product.remove();
  rmSync(folder, { recursive: true });
});

/** Reads until the end, or until `cutAfter` bytes, when it cuts the connection. */
async function download(token: string, { path }: ExportPart, headers = {}, cutAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController();
  const response = await fetch(product.address + path, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: stop.signal,
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (!response.body) throw new Error("there is no body");
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= cutAfter) break;
  }
  stop.abort();
  return { response, bytes: Buffer.concat(chunks) };
}

/** Checks a ZIP with Python's reader, and returns its names. */
function namesIn(bytes: Uint8Array): string[] {
  const file = join(folder, "part.zip");
  writeFileSync(file, bytes);
  const script =
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(*z.namelist())";
  const { status, stdout, stderr } = spawnSync("python3", ["-c", script, file], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trim().split(" ");
}

it.runIf(hasPython)("gives people their data in ZIPs that Python reads, although the connection is cut", async () => {
  const { token, person } = await product.api.signIn("ben", PASSWORD);
  const response = await fetch(`${product.address}/v1/me/export`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  const [data, files] = ((await response.json()) as Export).parts;
  if (!data || !files) throw new Error("parts are missing");
  expect(namesIn((await download(token, data)).bytes)).toContain("posts.json");

  const first = await download(token, files, {}, 100_000);
  const size = Number(first.response.headers.get("content-length"));
  expect(first.bytes.length).toBeLessThan(size);
  const rest = await download(token, files, {
    range: `bytes=${first.bytes.length}-`,
    "if-range": first.response.headers.get("etag") ?? "",
  });
  expect(rest.response.status).toBe(206);
  const names = namesIn(Buffer.concat([first.bytes, rest.bytes]));
  expect(names).toHaveLength(files.files ?? 0);
  const { items } = await product.api.postsOf(person.handle);
  for (const { media } of items) for (const { id } of media) expect(names).toContain(`files/${id}.jpg`);
});

it("erases an account that was closed a moment before the power went", async () => {
  const { token, person } = await product.api.signIn("ada", PASSWORD);
  const { items } = await product.api.postsOf("ben");
  const [post] = items;
  if (!post) throw new Error("there is no post");
  await product.api.as({ token }).like(post.id);
  await product.api.as({ token }).comment(post.id, "Goodbye");
  const response = await fetch(`${product.address}/v1/me`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ password: PASSWORD }),
  });
  expect(response.status).toBe(204);
  await product.kill();
  await product.restart();

  await expect(product.api.signIn("ada", PASSWORD)).rejects.toThrow("wrong_credentials");
  await expect(product.api.person("ada")).rejects.toThrow("person_not_found");
  const admin = async <T>(path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${adminTokenOf(product.state)}` };
    return (await (await fetch(`${product.address}/v1/admin${path}`, { headers })).json()) as T;
  };
  await eventually(async () => {
    const { items: closings } = await admin<Closings>("/closings");
    const proof = closings.find((closing) => closing.person === person.id);
    expect(proof?.erasedAt).not.toBeNull();
    expect(proof?.before).toMatchObject({ posts: 3 });
    expect(new Set(Object.values(proof?.left ?? { none: 1 }))).toEqual(new Set([0]));
  }, SOON * 3);
  const { items: comments } = await product.api.comments(post.id, { limit: 50 });
  expect(JSON.stringify(comments)).not.toContain("Goodbye");
  await eventually(async () => expect((await product.api.audit(post.id)).verdict).toBe("equal"), SOON);
  const { output } = await runToEnd("scripts/admin.ts", "closed", "--state", product.state);
  expect(output).toMatch(/ada {2}\S+ {2}erased after \d+ s: 0 left of .*3 posts/);
}, 300_000);
