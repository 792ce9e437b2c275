/** Reads the newest posts of many authors at once, from the index of `posts` by author. */
import { aliasedTable, sql } from "drizzle-orm";
import { byDatabase } from "../../schema/d1/shards.ts";
import { AFTER_EVERY_ID, newId, type PersonId, type PostId } from "../../schema/ids.ts";
import { literal, textOf } from "../../schema/d1/sql.ts";
import { posts } from "../../schema/tables/posts.ts";
import { ENTRIES_PER_AUTHOR } from "./feed-limit.ts";
import { Tiers } from "../storage/tiers.ts";

/** How late a large author's post may reach followers through the cache, beyond the replica's delay. */
const TIMELINES_FRESH_FOR = 1000; // ms
const TIMELINES_MAX = 500; // Of about 4 kB.

export type Authored = { post: PostId; author: PersonId };

const DAY = 86_400_000; // ms
/** The first window of `newestPosts`, in days: for most people a week of posts fills a feed. */
const FIRST_WINDOW = 7;
const WINDOW_GROWTH = 4;

/**
 * The newest ENTRIES_PER_AUTHOR posts of each large author, newest first: as many as a feed holds of any author. All
 * followers of an author read the same list, so it is cached for a second. Costs one D1 query for each database with an
 * author that is not cached.
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
      ORDER BY ${posts.id} DESC LIMIT ${literal(ENTRIES_PER_AUTHOR)})) AS "posts"
  FROM json_each(?1)`);

/**
 * Returns exactly the newest `limit` posts among the newest ENTRIES_PER_AUTHOR of each author. Post ids begin with their
 * time, so it reads the last week first, then goes back four times as far with each step, until it has enough posts or
 * reaches the first possible id. An author who has reached their limit is left out of further steps; no more than
 * `limit` / ENTRIES_PER_AUTHOR of them can make a step longer. Each step costs one D1 query for each database of an author,
 * and reads the posts in the window, of each author twice ENTRIES_PER_AUTHOR at most, plus one row for each author.
 */
export async function newestPosts(env: Env, authors: readonly PersonId[], limit: number): Promise<Authored[]> {
  const found: Authored[] = [];
  const counts = new Map<PersonId, number>();
  const isOpen = (author: PersonId) => (counts.get(author) ?? 0) < ENTRIES_PER_AUTHOR;
  const now = Date.now();
  let before: string = AFTER_EVERY_ID;
  for (let days = FIRST_WINDOW; found.length < limit && before !== FIRST_ID;) {
    const from = firstIdAt(now - days * DAY);
    const pages = await Promise.all(
      [...byDatabase(env, new Set(authors.filter(isOpen)), (author) => author)].map(([database, group]) =>
        database.patient.all<Authored>(WINDOW, JSON.stringify(group), from, before, limit),
      ),
    );
    // A full page may end above the window's first id. Older posts of its database are still to come.
    const reached = pages.reduce((end, page) => {
      const last = page.length === limit ? page.at(-1)?.post : undefined;
      return last !== undefined && last > end ? last : end;
    }, from);
    for (const authored of pages.flat().sort((a, b) => (a.post < b.post ? 1 : -1))) {
      if (authored.post < reached) break;
      if (!isOpen(authored.author)) continue;
      found.push(authored);
      counts.set(authored.author, (counts.get(authored.author) ?? 0) + 1);
    }
    before = reached;
    if (reached === from) days *= WINDOW_GROWTH;
  }
  return found.slice(0, limit);
}

const firstIdAt = (time: number): string => newId<PostId>(0, time, 0);
const FIRST_ID = firstIdAt(0);

const own = aliasedTable(posts, "own");

// The limit by author is part of the range of the index, so it is looked up once for each author.
const WINDOW = textOf(sql`
  SELECT ${posts.id} AS "post", ${posts.author} AS "author" FROM json_each(?1)
  CROSS JOIN ${posts} ON ${posts.author} = value AND ${posts.id} < ?3 AND ${posts.id} >= max(?2, coalesce((
    SELECT ${own.id} FROM ${posts} AS ${own} WHERE ${own.author} = value AND ${own.id} >= ?2 AND ${own.id} < ?3
    ORDER BY ${own.id} DESC LIMIT 1 OFFSET ${literal(ENTRIES_PER_AUTHOR - 1)}), ''))
  ORDER BY ${posts.id} DESC LIMIT ?4`);
