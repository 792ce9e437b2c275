/** An independent client (tus-js-client) uploads a file despite broken connections and a kill. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { Upload } from "tus-js-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { storageOf } from "../../scripts/paths.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { breakingProxy } from "./harness/breaking-proxy.ts";
import { Product } from "./harness/product.ts";

const BYTES = 14_000_000;
/** Enough retries for a restart on a busy machine. */
const RETRIES = 300;
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.remove());

it("rejects a request with two content lengths", async () => {
  const socket = connect(Number(new URL(product.address).port), "127.0.0.1");
  const lines = ["POST /v1/media HTTP/1.1", "Host: localhost", "Content-Length: 1", "Content-Length: 2", "", "x"];
  socket.write(lines.join("\r\n"));
  const [response] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  expect(response.toString()).toMatch(/^HTTP\/1.1 400 /);
});

it("completes an upload across cut and silent connections and a kill, with every byte intact", async () => {
  const { token } = await product.api.signUp({ handle: "ada", password: "correct horse battery" });
  const file = Buffer.concat([readPhotograph("nagasaki-boats"), randomBytes(BYTES)]).subarray(0, BYTES);
  const proxy = await breakingProxy(product.address, [
    { afterBytes: 1_000_000, how: "closes" },
    { afterBytes: 2_500_000, how: "falls silent" },
    { afterBytes: 3_000_000, how: "closes" },
    { afterBytes: 500_000, how: "closes" },
  ]);
  let killed: Promise<void> | undefined;
  const offsets: number[] = [];
  try {
    const url = await new Promise<string | null>((resolve, reject) => {
      const upload = new Upload(file, {
        endpoint: `${proxy.address}/v1/uploads`,
        headers: { authorization: `Bearer ${token}` },
        retryDelays: Array.from({ length: RETRIES }, () => 200), // In ms.
        onAfterResponse: (request, response) => {
          if (request.getMethod() === "HEAD") offsets.push(Number(response.getHeader("Upload-Offset")));
        },
        onProgress: (sent) => {
          if (sent > 9_000_000) killed ??= product.kill().then(() => product.restart());
        },
        onError: reject,
        onSuccess: () => resolve(upload.url),
      });
      upload.start();
    });
    await killed;
    const id = url?.split("/").at(-1) ?? "";
    console.log(`cut ${proxy.broken.length} times and killed; the client found ${offsets.join(", ")} bytes`);
    expect(proxy.broken).toHaveLength(4);
    expect(killed).toBeDefined();
    expect(offsets, "acknowledged offsets never go back").toEqual(offsets.toSorted((a, b) => a - b));
    const media = await product.api.as({ token }).media(id);
    expect(["uploaded", "ready"]).toContain(media.state);
    expect(media.bytes).toBe(BYTES);

    await product.stop();
    expect(await storedDigest(id)).toBe(digestOf(file));
  } finally {
    proxy.close();
  }
});

/** The digest of an original in the bucket of a stopped product; undefined if there is none. */
async function storedDigest(id: string): Promise<string | undefined> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: "ESModule", path: "none.js", contents: "export default {}" }],
      r2Buckets: { MEDIA: "shutterline-media" },
      resourcePersistencePath: storageOf(product.state),
    }),
  );
  try {
    const object = await (await miniflare.getR2Bucket("MEDIA")).get(`originals/${id}`);
    return object ? digestOf(new Uint8Array(await object.arrayBuffer())) : undefined;
  } finally {
    await miniflare.dispose();
  }
}
