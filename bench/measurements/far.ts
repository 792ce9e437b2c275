/** Times requests as if the stores were as far away as they are from another continent, or from within the region. */
import { Agent } from "node:http";
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.ts";
import { fetchResponse, type Request } from "../load/client.ts";
import { distributionOf } from "../load/percentiles.ts";
import { PLACE, type Place, PLACES, WAITED_FOR } from "../network/distances.ts";
import { logProgress } from "../output/progress.ts";
import { type FarScene, type Meeting, prepareFarScenes, type Visitor } from "../worlds/far-scene.ts";
import { comment, follow, like, publish } from "../worlds/requests.ts";
import { take } from "../worlds/scene.ts";
import { Subject } from "../worlds/subject.ts";

/** In ms. */
type Limits = { cold: number; warm: number };
/** `p50` in ms, and what most of the requests waited for. */
export type FarTimes = { p50: number; waits: string };
export type FarRow = { title: string; cold: FarTimes; warm: FarTimes; limits?: Limits };
/** `samples` requests per row. */
export type Far = { samples: number; places: { place: Place; rows: FarRow[] }[]; failures: string[] };

const SAMPLES = 15;
/** Requests of each row that are not counted, because an isolate's first ones also compile its code. */
const WARM_UP = 3;
const PER_ROW = SAMPLES + WARM_UP;
const PAGE = 30;
const COMMENTS_PAGE = 20;
const FAR = join(ROOT, "bench/workers/far.ts");
const TOKEN = "consistency-token";

const READ: Limits = { cold: 45, warm: 20 };
const ONE_CALL: Limits = { cold: 180, warm: 180 };

type Row = { title: string; limits?: Limits; request: (scene: FarScene) => Request };

const one = <T>(pool: T[]): T => {
  const [first] = take(pool, 1);
  if (first === undefined) throw new Error("the scene has too few people");
  return first;
};
const visitor = ({ visitors }: FarScene): Visitor => one(visitors);
const meeting = ({ meetings }: FarScene): Meeting => one(meetings);

const authorOf = ({ authors: [author] }: Visitor) => {
  if (!author) throw new Error("the visitor follows nobody");
  return author;
};
const pathOfPost = (visitor: Visitor): string => `/v1/posts/${authorOf(visitor).posts[0]}`;
const get = (path: string, { headers }: Visitor, text?: string): Request => ({
  method: "GET",
  path,
  headers,
  ...(text !== undefined && { expects: { text } }),
});
const ITEMS = '"items":[{';

const ROWS: readonly Row[] = [
  {
    title: "post page, not signed in",
    limits: READ,
    request: (scene) => ({ method: "GET", path: pathOfPost(visitor(scene)) }),
  },
  {
    title: `feed page of ${PAGE}, first look and again`,
    limits: READ,
    request: (scene) => get(`/v1/feed?limit=${PAGE}`, visitor(scene), ITEMS),
  },
  {
    title: "post page, signed in",
    limits: READ,
    request: (scene) => {
      const reader = visitor(scene);
      return get(pathOfPost(reader), reader);
    },
  },
  {
    title: `comments page of ${COMMENTS_PAGE}, signed in`,
    limits: READ,
    request: ({ threads }) => {
      const reader = one(threads);
      return get(`${pathOfPost(reader)}/comments?limit=${COMMENTS_PAGE}`, reader, ITEMS);
    },
  },
  {
    title: "a person's posts, signed in",
    limits: READ,
    request: (scene) => {
      const reader = visitor(scene);
      return get(`/v1/people/${authorOf(reader).id}/posts`, reader, ITEMS);
    },
  },
  {
    title: "profile, signed in",
    limits: READ,
    request: (scene) => {
      const reader = visitor(scene);
      return get(`/v1/people/${authorOf(reader).id}`, reader);
    },
  },
  { title: "notifications", limits: READ, request: ({ notified }) => get("/v1/notifications", one(notified), ITEMS) },
  { title: "me", limits: READ, request: (scene) => get("/v1/me", visitor(scene)) },
  {
    title: "like",
    limits: ONE_CALL,
    request: (scene) => {
      const { visitor, post } = meeting(scene);
      return like("PUT", post, visitor.headers);
    },
  },
  {
    title: "comment",
    limits: ONE_CALL,
    request: (scene) => {
      const { visitor, post } = meeting(scene);
      return comment(post, visitor.headers);
    },
  },
  {
    title: "follow",
    limits: { cold: 190, warm: 190 },
    request: (scene) => follow(visitor(scene).id, visitor(scene).headers),
  },
  { title: "publish", limits: { cold: 350, warm: 350 }, request: (scene) => publish(visitor(scene)) },
];

/** Fills a new product, and times every row from every place. */
export async function measureFar(): Promise<Far> {
  const places = Object.keys(PLACES) as Place[];
  logProgress("filling in people, posts and notifications");
  // A follow needs two of them.
  const counts = { visitors: ROWS.length * PER_ROW, threads: PER_ROW, meetings: 2 * PER_ROW, notified: PER_ROW };
  const { state, scenes } = await prepareFarScenes(counts, places.length);
  const result: Far = { samples: SAMPLES, places: [], failures: [] };
  for (const [index, place] of places.entries()) {
    const scene = scenes[index];
    if (!scene) continue;
    const subject = await Subject.start(state, { main: FAR, bindings: { [PLACE]: place } });
    try {
      await subject.quiet();
      result.places.push({ place, rows: await timeRows(subject, scene, place, result) });
    } finally {
      await subject.stop();
    }
  }
  return result;
}

async function timeRows(subject: Subject, scene: FarScene, place: Place, { failures }: Far): Promise<FarRow[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const warmUps = ROWS.map((row) => Array.from({ length: WARM_UP }, () => row.request(scene)));
  for (const request of warmUps.flat()) await askTwice(subject, agent, request);
  const rows: FarRow[] = [];
  for (const { title, limits, request } of ROWS) {
    logProgress(`${PLACES[place].title}: ${title}`);
    const asked: Asked[][] = [];
    try {
      for (let sample = 0; sample < SAMPLES; sample += 1) asked.push(await askTwice(subject, agent, request(scene)));
    } catch (error) {
      failures.push(`${title}: ${String(error)}`);
    }
    const [cold, warm] = [0, 1].map((nth) => timesOf(asked.flatMap((pair) => pair[nth] ?? [])));
    if (cold && warm) rows.push({ title, cold, warm, ...(place === "continent" && limits && { limits }) });
  }
  agent.destroy();
  return rows;
}

type Asked = { ms: number; waits: string };

/**
 * Sends a request, and then the same again. The second time a signed-in client sends the token of the first response, if
 * there was one.
 */
async function askTwice(subject: Subject, agent: Agent, request: Request): Promise<Asked[]> {
  const { token, ...cold } = await timeOf(subject, agent, request);
  const again = request.headers && token !== undefined ? { ...request.headers, [TOKEN]: token } : request.headers;
  const { token: _, ...warm } = await timeOf(subject, agent, { ...request, ...(again && { headers: again }) });
  return [cold, warm];
}

async function timeOf(
  subject: Subject,
  agent: Agent,
  request: Request,
): Promise<Asked & { token: string | undefined }> {
  const started = performance.now();
  const { headers } = await fetchResponse(request, subject.server.port, agent);
  const ms = performance.now() - started;
  return { ms, waits: String(headers[WAITED_FOR] ?? ""), token: headers[TOKEN]?.toString() };
}

function timesOf(asked: readonly Asked[]): FarTimes {
  const counts = new Map<string, number>();
  for (const { waits } of asked) counts.set(waits, (counts.get(waits) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return { p50: distributionOf(asked.map(({ ms }) => ms)).p50, waits: most?.[0] ?? "" };
}
