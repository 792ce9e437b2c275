/** The lines of the table: their requests, the limit that each is compared with, and its targets. */
import { encode } from "fast-png";
import { randomOf } from "../../tests/product/harness/random.ts";
import type { Tally } from "../costs/tally.ts";
import type { Request } from "../load/client.ts";
import type { Member } from "../worlds/filled-graph.ts";
import { type FreshPairs, shuffled } from "../worlds/fresh-pairs.ts";
import type { Person } from "../worlds/people.ts";
import { comment, follow, like, publish } from "../worlds/requests.ts";
import { type Scene, SMALL, take } from "../worlds/scene.ts";
import type { LimitName } from "./limits.ts";

/** Requests of one person, in the order in which they are sent. */
export type Sequence = Request[];

export type Line = {
  name: string;
  title: string;
  limit: LimitName;
  /** The ratio to the limit that the line should reach. */
  target?: number;
  /** The most calls and rows that a request may cost, as counted in the Worker. */
  counts?: { [Kind in keyof Tally]?: number };
  /** Called again for each run. */
  sequences: (scene: Scene) => Sequence[];
  /** Each request is sent only once, because a second one would not be cold. */
  once?: true;
  /** The requests cause further work, which must end before the next measurement. */
  writes?: true;
  /** The number of requests that are counted. */
  counted: number;
  /** The line is counted but not timed. */
  untimed?: true;
};

const PAGE = 30;
/** At most a third of the pool of the scene, which serves two timed runs and a counted one. */
const COLD_FEEDS = 400;
const COLD_POSTS = 2500;
/** How many requests each writer sends before they repeat themselves: more than one run takes. */
const WRITES_PER_RUN = 50;
const UPLOADERS = 64;
const PICTURE = { width: 160, height: 120 };

const feedOf = (limit: number, { headers }: Member): Request => ({
  method: "GET",
  path: `/v1/feed?limit=${limit}`,
  headers,
  expects: { text: '"items":[{' },
});
const feeds = (limit: number, readers: readonly Member[]): Sequence[] =>
  readers.map((reader) => [feedOf(limit, reader)]);

const posts = (ids: readonly string[]): Sequence[] => ids.map((id) => [{ method: "GET", path: `/v1/posts/${id}` }]);

/** Returns the nth item, starting over after the last. */
export function nth<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("the list is empty");
  return item;
}

/** Returns a sequence of requests for each writer, none of which was sent before. */
const writes = <Thing>(
  fresh: FreshPairs<Member, Thing>,
  requestOf: (thing: Thing, headers: Person["headers"]) => Request,
): Sequence[] =>
  fresh.take(WRITES_PER_RUN).map(({ person: { headers }, things }) => things.map((thing) => requestOf(thing, headers)));

/** Returns a picture with a few hues, of some kB. */
function smallPhotograph(): Uint8Array {
  const { width, height } = PICTURE;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    data.set([x, y, (x * y) % 97], pixel * 3);
  }
  return encode({ ...PICTURE, data, channels: 3 });
}

const OPERATIONS = {
  feed: {
    title: `feed page of ${PAGE}, warm`,
    limit: "query",
    target: 0.9,
    counts: { d1Calls: 2, actorCalls: 0 },
    counted: 64,
    sequences: ({ readers }) => feeds(PAGE, readers),
  },
  "feed-20": {
    title: "feed page of 20, warm",
    limit: "query",
    counts: { d1Calls: 2, rowsRead: 25, actorCalls: 0 },
    counted: 64,
    untimed: true,
    sequences: ({ readers }) => feeds(20, readers),
  },
  "feed-merged": {
    title: `feed page of ${PAGE}, warm, with large authors merged in`,
    limit: "query",
    target: 0.75,
    counted: 64,
    sequences: ({ mergedReaders }) => feeds(PAGE, mergedReaders),
  },
  "feed-cold": {
    title: `feed page of ${PAGE}, cold`,
    limit: "query",
    target: 0.35,
    once: true,
    counted: 50,
    sequences: ({ coldReaders }) => feeds(PAGE, take(coldReaders, COLD_FEEDS)),
  },
  post: {
    title: "public post page, warm",
    limit: "hello",
    target: 0.6,
    counted: 64,
    sequences: (scene) => posts(scene.posts),
  },
  "post-cold": {
    title: "public post page, cold",
    limit: "hello",
    once: true,
    counted: 50,
    sequences: ({ coldPosts }) => posts(take(coldPosts, COLD_POSTS)),
  },
  comments: {
    title: "comments page of 20",
    limit: "query",
    counted: 64,
    sequences: (scene) =>
      scene.posts.map((id) => [
        { method: "GET", path: `/v1/posts/${id}/comments?limit=20`, expects: { text: '"items":[{' } },
      ]),
  },
  profile: {
    title: "profile",
    limit: "query",
    counted: 64,
    sequences: ({ readers }) => readers.map(({ id }) => [{ method: "GET", path: `/v1/people/${id}` }]),
  },
  like: {
    title: "like, spread over 1,000 posts by 200 people",
    limit: "insert",
    target: 0.45,
    writes: true,
    counted: 16,
    sequences: ({ fresh }) => writes(fresh.likes, (post, headers) => like("PUT", post, headers)),
  },
  "like-hot": {
    title: "like on a hot post",
    limit: "insert",
    writes: true,
    counted: 200,
    untimed: true,
    sequences: ({ hotLikers, livePosts }) => hotLikers.map(({ headers }) => [like("PUT", nth(livePosts, 0), headers)]),
  },
  comment: {
    title: "comment, spread over 1,000 posts by 200 people",
    limit: "insert",
    target: 0.4,
    writes: true,
    counted: 16,
    sequences: ({ fresh }) => writes(fresh.comments, comment),
  },
  follow: {
    title: "follow",
    limit: "insert",
    target: 0.25,
    writes: true,
    counted: 16,
    sequences: ({ fresh }) => writes(fresh.follows, ({ id }, headers) => follow(id, headers)),
  },
  upload: {
    title: "upload of a small photograph",
    limit: "insert",
    writes: true,
    counted: 16,
    sequences: ({ writers }) => {
      const body = smallPhotograph();
      return writers
        .slice(0, UPLOADERS)
        .map(({ headers }) => [{ method: "POST", path: "/v1/media", headers, body, expects: { status: 201 } }]);
    },
  },
  publish: {
    title: "publish, no followers",
    limit: "insert",
    target: 0.1,
    writes: true,
    counted: 16,
    sequences: ({ silent }) => silent.map((author) => [publish(author)]),
  },
  "publish-1000": {
    title: `publish, ${SMALL} followers`,
    limit: "insert",
    writes: true,
    counted: 1,
    untimed: true,
    sequences: ({ small }) => [[publish(small)]],
  },
} as const satisfies Record<string, Omit<Line, "name">>;

export const LINES: readonly Line[] = Object.entries(OPERATIONS).map(([name, line]) => ({ name, ...line }));

/** The names that `--only` accepts. */
export const LINE_NAMES: readonly string[] = [
  ...LINES.map(({ name }) => name),
  "mix",
  "deliveries",
  "bells",
  "visible",
  "herd",
];

/** The shares of the mix, in percent. */
export const MIX = { feed: 60, post: 20, profile: 10, like: 6, comment: 3, publish: 1 } as const;
/** The ratio to the limits of its parts that the mix should reach. */
export const MIX_TARGET = 0.6;

export const mixTitle = `mix: ${Object.entries(MIX)
  .map(([name, share]) => `${share} % ${name}`)
  .join(", ")}`;

const MIX_SEED = 60;
/** So many hundreds of requests that no like comes twice in one run. */
const MIX_HUNDREDS = 50;

/** Returns requests of different people in the shares of the mix, in a random but reproducible order. */
export function mixSequences(scene: Scene): Sequence[] {
  const requests = Object.entries(MIX).flatMap(([name, share]) => {
    const drawn = OPERATIONS[name as keyof typeof MIX].sequences(scene).flat();
    return Array.from({ length: share * MIX_HUNDREDS }, (_, index) => nth(drawn, index));
  });
  return shuffled(requests, randomOf(MIX_SEED)).map((request) => [request]);
}
