/** Many sockets on one machine watch one post. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { LiveFrame, PostFrame } from "../../schema/api/live.ts";
import type { Api } from "../../scripts/api-client.ts";
import { readPhotograph } from "../../scripts/seed/seed.ts";
import { eventually } from "./harness/eventually.ts";
import { Product } from "./harness/product.ts";

const SOCKETS = 5000;
/** How many sockets are being opened at a time. */
const OPENING = 100;
/** A slow machine goes on with the sockets it has opened by then, but not with fewer than a fifth. */
const OPENS_FOR = 35_000; // ms
/** Open files that the server and this process need besides the sockets. */
const OTHER_FILES = 500;
const WRITERS = 4;
const WRITE_FOR = 2000; // ms
const ALL_UP_TO_DATE_WITHIN = 30_000;

let product: Product;
beforeAll(async () => {
  product = await Product.start();
});
afterAll(() => product.remove());

class Watcher {
  readonly socket: WebSocket;
  readonly frames: Pick<PostFrame, "from" | "seq" | "likes" | "comments">[] = [];
  updatedAt = 0;

  private constructor(socket: WebSocket, post: string) {
    this.socket = socket;
    socket.addEventListener("open", () => socket.send(JSON.stringify({ watch: [{ post, since: 1 }] })));
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as LiveFrame;
      if (frame.topic !== "post") return;
      const { from, seq, likes, comments } = frame;
      this.frames.push({ from, seq, likes, comments });
      this.updatedAt = performance.now();
    });
  }

  /** Opens a socket that watches `post`. Resolves at its first frame. */
  static async at(address: string, post: string): Promise<Watcher> {
    const watcher = new Watcher(new WebSocket(`${address.replace("http", "ws")}/v1/live`), post);
    await new Promise((resolve, reject) => {
      watcher.socket.addEventListener("message", resolve, { once: true });
      watcher.socket.addEventListener("error", () => reject(new Error("a socket was refused")), { once: true });
    });
    return watcher;
  }
}

it("brings everybody who watches a post to the same standing, in few frames", async () => {
  const { author, writers, post } = await scene();
  const runtime = product.processes().find(({ command }) => command.includes("workerd"));
  const [wanted, memory] = [Math.min(SOCKETS, filesOf(runtime?.pid) - OTHER_FILES), memoryOf(runtime?.pid)];
  if (wanted < SOCKETS) console.warn(`only ${wanted} sockets: a process may open no more files here (ulimit -n)`);
  expect(wanted).toBeGreaterThan(100);

  const started = performance.now();
  const watchers: Watcher[] = [];
  const open = async () => {
    while (watchers.length + OPENING <= wanted && performance.now() - started < OPENS_FOR) {
      watchers.push(await Watcher.at(product.address, post));
    }
  };
  await Promise.all(Array.from({ length: OPENING }, open));
  const connected = performance.now() - started;
  expect(watchers.length).toBeGreaterThanOrEqual(wanted / 5);

  const writing = performance.now();
  await Promise.all(
    writers.map(async (writer) => {
      while (performance.now() - writing < WRITE_FOR) {
        await writer.like(post);
        await writer.unlike(post);
      }
      await writer.like(post);
    }),
  );
  await author.comment(post, "So many of you");
  const { likes, seq: last } = await author.like(post);
  const written = performance.now();
  expect(likes).toBe(WRITERS);
  await eventually(async () => {
    const behind = watchers.filter(({ frames }) => frames.at(-1)?.seq !== last);
    expect(behind.length).toBe(0);
  }, ALL_UP_TO_DATE_WITHIN);

  const ends = new Set(watchers.map(({ frames }) => JSON.stringify(frames.at(-1), ["likes", "comments", "seq"])));
  expect([...ends]).toEqual([JSON.stringify({ likes, comments: 1, seq: last })]);
  const gaps = watchers.flatMap(({ frames }) =>
    frames.filter(({ from }, index) => from !== (frames[index - 1]?.seq ?? 1)),
  );
  expect(gaps.slice(0, 5)).toEqual([]);
  const counts = watchers.map(({ frames }) => frames.length);
  const most = Math.max(...counts);
  expect(most).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - writing) / 250));
  const lastUpdate = watchers.reduce((time, { updatedAt }) => Math.max(time, updatedAt), 0);
  console.log(
    [
      `${watchers.length} sockets opened and received the post's standing in ${seconds(connected)}`,
      `${last - 1} changes in ${seconds(written - writing)}`,
      `all up to date ${seconds(Math.max(0, lastUpdate - written))} after the response to the last one`,
      `frames per socket: ${Math.min(...counts)} to ${most}`,
      `memory of the runtime: ${memory} MB before, ${memoryOf(runtime?.pid)} MB with them`,
    ].join("; "),
  );
  for (const { socket } of watchers) socket.close();
});

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Signs up the writers. The first of them is the author of the post. */
async function scene(): Promise<{ author: Api; writers: Api[]; post: string }> {
  const password = "correct horse battery";
  const writers: Api[] = [];
  for (let n = 0; n < WRITERS; n += 1) {
    writers.push(product.api.as(await product.api.signUp({ handle: `writer_${n}`, password })));
  }
  const [author] = writers;
  if (!author) throw new Error("there is no author");
  const { id } = await author.upload(readPhotograph("nagasaki-boats"));
  await author.untilInspected(id);
  const { id: post } = await author.publish({ caption: "Boats", media: [{ id, alt: "Boats on a river" }] });
  return { author, writers, post };
}

/** How many files both this process and the process `pid` may have open. */
function filesOf(pid: number | undefined): number {
  try {
    const limits = ["self", String(pid)].map((process) => readFileSync(`/proc/${process}/limits`, "utf8"));
    const numbers = limits.map((text) => /^Max open files\s+(\d+)/m.exec(text)?.[1]);
    return Math.min(...numbers.map((number) => (number === undefined ? Number.POSITIVE_INFINITY : Number(number))));
  } catch {
    return 1024 + OTHER_FILES; // Without /proc the limit is unknown, and may be higher.
  }
}

/** The resident memory of a process, in MB; 0 without /proc. */
function memoryOf(pid: number | undefined): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kilobytes) / 1024);
  } catch {
    return 0;
  }
}
