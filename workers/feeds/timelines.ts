/** Reads the newest posts of many authors at once, from the index of `posts` by author. */
import { sql } from "drizzle-orm";
import { queryByIds } from "../../schema/d1/by-ids.ts";
import { AFTER_EVERY_ID, newId, type PersonId, type PostId } from "../../schema/ids.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { posts } from "../../schema/tables/posts.ts";
import { FEED_MAX } from "./feed-limit.ts";
import { Tiers } from "../storage/tiers.ts";

/** How late a large author's post may reach followers through the cache, beyond the replica's delay. */
const TIMELINES_FRESH_FOR = 1000; // ms
const TIMELINES_MAX = 500; // Of about 20 kB.

export type Authored = { post: PostId; author: PersonId };

const DAY = 86_400_000; // ms
/** The first window of `newestPosts`, in days: for most people a week of posts fills a feed. */
const FIRST_WINDOW = 7;
const WINDOW_GROWTH = 4;

/**
 * The newest FEED_MAX posts of each large author, newest first: as many as a feed holds. All followers of an author
 * read the same list, so it is cached for a second. Costs one D1 query for each database with an author that is not
 * cached.
 */
export const timelines = new Tiers<PersonId, { posts: PostId[] }>({
  freshFor: TIMELINES_FRESH_FOR,
  max: TIMELINES_MAX,
  load: async (reader, authors) => {
    const rows = await reader.replicasByIds<{ author: PersonId; posts: string }>(authors, TIMELINES);
    return new Map(rows.map(({ author, posts }) => [author, { posts: JSON.parse(posts) as PostId[] }]));
  },
});

const TIMELINES = textOf(sql`
  SELECT value AS "author", (
    SELECT json_group_array(id ORDER BY id DESC) FROM (
      SELECT ${posts.id} AS id FROM ${posts} WHERE ${posts.author} = value
      ORDER BY ${posts.id} DESC LIMIT ${literal(FEED_MAX)})) AS "posts"
  FROM json_each(?1)`);

/**
 * Returns exactly the newest `limit` posts of all the authors together. Post ids begin with their time, so it reads the
 * last week first, then goes back four times as far with each step, until it has enough posts or reaches the first
 * possible id. Each step costs one D1 query for each database of an author, and reads the posts in the window plus one
 * row for each author.
 */
export async function newestPosts(env: Env, authors: readonly PersonId[], limit: number): Promise<Authored[]> {
  const found: Authored[] = [];
  const now = Date.now();
  let before: string = AFTER_EVERY_ID;
  for (let days = FIRST_WINDOW; found.length < limit && before !== FIRST_ID; days *= WINDOW_GROWTH) {
    const from = firstIdAt(now - days * DAY);
    const rows = await queryByIds<Authored>(env, authors, WINDOW, from, before, limit);
    found.push(...rows.sort((a, b) => (a.post < b.post ? 1 : -1)));
    before = from;
  }
  return found.slice(0, limit);
}

const firstIdAt = (time: number): string => newId<PostId>(0, time, 0);
const FIRST_ID = firstIdAt(0);

const WINDOW = textOf(sql`
  SELECT ${posts.id} AS "post", ${posts.author} AS "author" FROM json_each(?1)
  CROSS JOIN ${posts} ON ${posts.author} = value AND ${posts.id} >= ?2 AND ${posts.id} < ?3
  ORDER BY ${posts.id} DESC LIMIT ?4`);
