/** The tiered caches: documents of posts and people, post standings, and the people that handles name. */
import { sql } from "drizzle-orm";
import type { PersonCard } from "../../schema/api/people.ts";
import type { PostMedia, PostStanding } from "../../schema/posts.ts";
import type { CommentId, Id, PersonId, PostId } from "../../schema/ids.ts";
import { PEOPLE_BY_IDS } from "../../schema/d1/person-cards.ts";
import { shardOfHandle } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { handles as handlesTable, people } from "../../schema/tables/people.ts";
import { commentLikes, likes, posts, postStats as postStatsTable } from "../../schema/tables/posts.ts";
import { logWarning } from "../../schema/log.ts";
import type { Reader } from "../storage/reader.ts";
import { Tiers } from "../storage/tiers.ts";

/** The parts of a post that look the same to everybody, as of `seq`. */
export type PostDocument = {
  id: PostId;
  author: PersonId;
  caption: string;
  media: PostMedia[];
  editedAt: number | null;
  seq: number;
};
/**
 * The standing of a post in D1. D1 has everything up to the seq `projected`, and every comment up to `commentsUpTo`.
 * `isPrivate` says whether the author is private, for anonymous viewers; undefined when D1 could not be read.
 */
export type PostStats = PostStanding & { projected: number; commentsUpTo: CommentId | ""; isPrivate?: boolean };

/**
 * The `projected` of a post whose standing was read from its actor because D1 failed. It is below every `seq`, so
 * comments are read from the actor too.
 */
const IN_D1_UNKNOWN = -1;

/** How old counts and deletions may be shown, beyond the replica's delay. Own writes are visible at once. */
const STATS_FRESH_FOR = 1000; // ms
const DOCUMENTS_FRESH_FOR = 10_000; // ms
const HANDLES_FRESH_FOR = 600_000; // ms; a person's handle is never given to somebody else.

export const personDocuments = new Tiers<PersonId, PersonCard>({
  kv: "person",
  freshFor: DOCUMENTS_FRESH_FOR,
  load: (reader, ids) => loaded(reader, ids, PEOPLE_BY_IDS, (person: PersonCard) => [person.id, person]),
});

export const postDocuments = new Tiers<PostId, PostDocument>({
  kv: "body",
  freshFor: DOCUMENTS_FRESH_FOR,
  load: (reader, ids) =>
    loaded(reader, ids, POSTS, ({ handle, name, media, ...post }: PostRow) => {
      // A post is in its author's database, so one query reads both.
      if (handle !== null && name !== null) personDocuments.learn(post.author, { id: post.author, handle, name });
      return [post.id, { ...post, media: JSON.parse(media) as PostMedia[] }];
    }),
});

export const postStats = new Tiers<PostId, PostStats>({
  freshFor: STATS_FRESH_FOR,
  load: async (reader, ids) => {
    try {
      return await loaded(reader, ids, STATS, statsOf);
    } catch (error) {
      // Each post's actor knows its counts.
      logWarning("D1 not read, asking actors", { error: String(error) });
      return actorStats(reader, ids);
    }
  },
});

/** The id that has claimed each handle. Its person may not exist (yet): see workers/api/accounts/sign-up.ts. */
export const handles = new Tiers<string, { person: PersonId }>({
  kv: "handle",
  freshFor: HANDLES_FRESH_FOR,
  load: async (reader, names) => {
    const rows = await Promise.all(
      names.map(async (handle) => {
        const key = shardOfHandle(handle);
        const [near] = await reader.replica<{ person: PersonId }>(key, HANDLE, handle);
        return near ?? (await reader.primary<{ person: PersonId }>(key, HANDLE, handle))[0];
      }),
    );
    return new Map(names.flatMap((handle, index) => (rows[index] ? [[handle, rows[index]] as const] : [])));
  },
});

/** Reads rows that the replica lacks from the primary, so that a lagging replica makes nothing disappear. */
async function loaded<K extends Id, Row, V>(
  reader: Reader,
  ids: K[],
  sql: string,
  entryOf: (row: Row) => readonly [K, V],
): Promise<Map<K, V>> {
  const near = new Map((await reader.replicasByIds<Row>(ids, sql)).map(entryOf));
  const missing = ids.filter((id) => !near.has(id));
  if (missing.length === 0) return near;
  return new Map([...near, ...(await reader.primariesByIds<Row>(missing, sql)).map(entryOf)]);
}

type PostRow = Omit<PostDocument, "media"> & { media: string; handle: string | null; name: string | null };
type StatsRow = Omit<typeof postStatsTable.$inferSelect, "deleted"> & { deleted: 0 | 1; isPrivate: 0 | 1 | null };

const POSTS = textOf(sql`
  SELECT ${posts.id}, ${posts.author}, ${posts.caption}, ${posts.media}, ${posts.editedAt} AS "editedAt", ${posts.seq},
    ${people.handle}, ${people.name}
  FROM ${posts} LEFT JOIN ${people} ON ${people.id} = ${posts.author}
  WHERE ${posts.id} IN (SELECT value FROM json_each(?1))`);
const STATS = textOf(sql`
  SELECT ${postStatsTable.post}, ${postStatsTable.likes}, ${postStatsTable.comments}, ${postStatsTable.seq},
    ${postStatsTable.projected}, ${postStatsTable.bodySeq} AS "bodySeq", ${postStatsTable.policy},
    ${postStatsTable.pinned}, ${postStatsTable.deleted}, ${postStatsTable.commentsUpTo} AS "commentsUpTo", (
      SELECT ${people.private} FROM ${posts} JOIN ${people} ON ${people.id} = ${posts.author}
      WHERE ${posts.id} = ${postStatsTable.post}) AS "isPrivate"
  FROM ${postStatsTable} WHERE ${postStatsTable.post} IN (SELECT value FROM json_each(?1))`);
const HANDLE = textOf(sql`SELECT ${handlesTable.person} FROM ${handlesTable} WHERE ${handlesTable.handle} = ?1`);

const statsOf = ({ post, deleted, isPrivate, ...stats }: StatsRow): readonly [PostId, PostStats] => [
  post,
  { ...stats, deleted: deleted === 1, isPrivate: isPrivate === 1 },
];

/** Reads the standings of posts from the primary, past the tiers. Costs one D1 query for each database. */
export async function freshStats(reader: Reader, ids: PostId[]): Promise<Map<PostId, PostStats>> {
  return new Map((await reader.primariesByIds<StatsRow>(ids, STATS)).map(statsOf));
}

async function actorStats(reader: Reader, ids: PostId[]): Promise<Map<PostId, PostStats>> {
  const snapshots = await Promise.all(ids.map((id) => reader.snapshot(id)));
  return new Map(
    snapshots.flatMap((snapshot, index) => {
      const id = ids[index];
      if (!snapshot.ok || id === undefined) return [];
      return [[id, { ...snapshot.standing, projected: IN_D1_UNKNOWN, commentsUpTo: "" as const }] as const];
    }),
  );
}

/**
 * A post: its document, which may be minutes old, and its standing, which is current. `isFollowed` is set if the
 * viewer's own database has just said that they follow the author.
 */
export type KnownPost = { document: PostDocument; stats: PostStats; isFollowed?: boolean };

/**
 * Returns the documents and standings of those posts that have both. Costs nothing when both are in memory; otherwise
 * one D1 query for each database, and a second one when a cached document is older than the last edit of its post.
 */
export async function knownPosts(reader: Reader, ids: PostId[]): Promise<Map<PostId, KnownPost>> {
  const [documents, stats] = await Promise.all([postDocuments.get(reader, ids), postStats.get(reader, ids)]);
  const old = ids.filter((id) => (documents.get(id)?.seq ?? 0) < (stats.get(id)?.bodySeq ?? 0) && documents.has(id));
  const renewed = old.length > 0 ? await renewedDocuments(reader, old) : new Map<PostId, PostDocument>();
  return new Map(
    ids.flatMap((id) => {
      const document = renewed.get(id) ?? documents.get(id);
      const known = stats.get(id);
      return document && known ? [[id, { document, stats: known }] as const] : [];
    }),
  );
}

/**
 * Reads edited documents again, so that an edit shows at once. If that fails, the earlier caption is better than none.
 */
async function renewedDocuments(reader: Reader, ids: PostId[]): Promise<Map<PostId, PostDocument>> {
  try {
    return await postDocuments.renew(reader, ids);
  } catch (error) {
    logWarning("edited posts not read", { error: String(error) });
    reader.served.isStale = true;
    return new Map();
  }
}

/** Drops a post from memory after a change to it, so that this isolate shows nothing older from now on. */
export function dropPost(post: PostId): void {
  postStats.drop(post);
  postDocuments.dropAbsence(post); // A cached document stays: its `seq` shows whether it is outdated.
}

/** Returns those of `comments` that the person likes. Costs one D1 query, in the person's database. */
export async function likedCommentsAmong(
  reader: Reader,
  person: PersonId,
  comments: Iterable<CommentId>,
): Promise<Set<CommentId>> {
  const ids = JSON.stringify([...comments]);
  const rows = await reader.primary<Pick<typeof commentLikes.$inferSelect, "comment">>(
    person,
    LIKED_COMMENTS,
    person,
    ids,
  );
  return new Set(rows.map(({ comment }) => comment));
}

const LIKED_COMMENTS = textOf(sql`
  SELECT ${commentLikes.comment} FROM ${commentLikes}
  WHERE ${commentLikes.person} = ?1 AND ${commentLikes.liked} = 1
    AND ${commentLikes.comment} IN (SELECT value FROM json_each(?2))`);

/** Returns those of `posts` that the person likes. Costs one D1 query, in the person's database. */
export async function likedAmong(reader: Reader, person: PersonId, posts: Iterable<PostId>): Promise<Set<PostId>> {
  const ids = JSON.stringify([...posts]);
  const rows = await reader.primary<Pick<typeof likes.$inferSelect, "post">>(person, LIKED_POSTS, person, ids);
  return new Set(rows.map(({ post }) => post));
}

const LIKED_POSTS = textOf(sql`
  SELECT ${likes.post} FROM ${likes}
  WHERE ${likes.person} = ?1 AND ${likes.liked} = 1 AND ${likes.post} IN (SELECT value FROM json_each(?2))`);
