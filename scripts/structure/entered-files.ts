/** Measures which files of the product a request enters before it is answered. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plugin } from "esbuild";
import { Api } from "../api-client.ts";
import { instrumented } from "./instrumented.ts";
import { PRODUCT } from "./layers.ts";
import { readPhotograph } from "../seed/seed.ts";
import { startServer } from "../local-server/server.ts";
import { bundleWorker } from "../local-server/worker-bundle.ts";

/** The files entered by one kind of request, sorted by path. */
export type Entered = { request: string; files: string[] };

/** The header of a request that is measured. In the response it carries the files. */
const ENTERED = "x-entered-files";
const ROUNDS = 3;
/**
 * The time between the request that warms up and the measured one, in ms: enough for the alarms and queues that follow a
 * write, but less than the 5 s for which copies in memory are fresh, and the 10 s after which an idle actor is evicted.
 */
const SETTLES_IN = 3000;

// A local Worker's requests and actors share one isolate, and with it the global set.
const ENTRY = `
  import product from "./index.ts";
  export * from "./index.ts";
  export default {
    ...product,
    async fetch(request, env, context) {
      if (!request.headers.has("${ENTERED}")) return product.fetch(request, env, context);
      const files = (globalThis.enteredFiles = new Set());
      const response = await product.fetch(request, env, context);
      globalThis.enteredFiles = undefined;
      const { body, status, headers } = response;
      return new Response(body, { status, headers: [...headers, ["${ENTERED}", [...files].join(" ")]] });
    },
  };`;

/**
 * Measures which files four requests enter in the Worker of the checkout `root`: a like, a feed read, an upload of a
 * photograph, and the publication of a post.
 *
 * Method: every function of workers/, durable-objects/ and schema/ is instrumented to note its file when it is called.
 * The instrumented Worker runs locally, as `npm start` runs it. An entry around it starts the notes when a request
 * arrives, and takes them when the product's `fetch` handler resolves. Before each measured request, one of the same
 * kind warms up caches and actors. Each request is measured three times, and a file counts only if it was entered every
 * time, which leaves out cron and remaining work of earlier requests.
 *
 * Limits: a file that is only evaluated when the Worker starts does not count, such as types, constants, tables and
 * schemas without functions of their own. Background work counts if it runs before the response is ready. An error or
 * a cold cache takes other paths, which are not measured.
 */
export async function enteredFiles(root: string): Promise<Entered[]> {
  const folder = mkdtempSync(join(tmpdir(), "shutterline-structure-"));
  try {
    const script = await bundleWorker(join(root, "workers/index.ts"), [enteredFilesPlugin(root)]);
    const options = { state: join(folder, ".shutterline"), host: "127.0.0.1", port: 0, assets: false } as const;
    const server = await startServer({ ...options, root, script });
    try {
      return await measure(`http://127.0.0.1:${server.port}`);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Instruments the product's files, and puts ENTRY around the Worker. */
const enteredFilesPlugin = (root: string): Plugin => ({
  name: "entered files",
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === "entry-point" ? { path, namespace: "entry" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "entry" }, ({ path }) => ({
      contents: ENTRY,
      loader: "js",
      resolveDir: dirname(path),
    }));
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const file = relative(root, path).split(sep).join("/");
      if (!PRODUCT.some((folder) => file.startsWith(`${folder}/`))) return undefined;
      const mark = `globalThis.enteredFiles?.add(${JSON.stringify(file)})`;
      return { contents: instrumented(readFileSync(path, "utf8"), mark), loader: "ts" };
    });
  },
});

type Call = { method: string; path: string; body?: BodyInit };

/** Sends the four requests in turn, ROUNDS times. */
async function measure(address: string): Promise<Entered[]> {
  const anonymous = new Api(address);
  const signUp = async (handle: string) =>
    anonymous.as(await anonymous.signUp({ handle, password: "only for measuring", name: handle }));
  const [author, reader] = [await signUp("author"), await signUp("reader")];
  await reader.follow("author");
  const photograph = readPhotograph("locomotion-house-cat");
  const newPost = async () => ({
    media: [{ id: (await author.untilInspected((await author.upload(photograph)).id)).id }],
  });
  const post = (await author.publish(await newPost())).id;

  const measured = new Map<string, Set<string>>();
  const send = async (request: string, warmUp: () => Promise<unknown>, person: Api, call: Call) => {
    await warmUp();
    await sleep(SETTLES_IN);
    const files = await filesOf(person, call);
    measured.set(request, measured.get(request)?.intersection(files) ?? files);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const likeAndUnlike = () => reader.like(post).then(() => reader.unlike(post));
    await send("like", likeAndUnlike, reader, { method: "PUT", path: `/v1/posts/${post}/like` });
    await send("feed", () => reader.feed(), reader, { method: "GET", path: "/v1/feed" });
    const upload: Call = { method: "POST", path: "/v1/media", body: photograph };
    await send("upload", () => author.upload(photograph), author, upload);
    const draft = await newPost();
    const publish: Call = { method: "POST", path: "/v1/posts", body: JSON.stringify(draft) };
    await send("publish", async () => author.publish(await newPost()), author, publish);
  }
  return [...measured].map(([request, files]) => ({ request, files: [...files].sort() }));
}

/** Sends a request, and returns the files that it entered. */
async function filesOf({ address, token }: Api, { method, path, body }: Call): Promise<Set<string>> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", [ENTERED]: "1" };
  const response = await fetch(address + path, { method, headers, ...(body !== undefined && { body }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return new Set(response.headers.get(ENTERED)?.split(" "));
}
