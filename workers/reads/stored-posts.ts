/** Posts as D1 has them, cached for a second in memory. */
import { type SQL, sql } from "drizzle-orm";
import type { PostMedia, PostStanding } from "../../schema/posts.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { isOpenSql } from "../../schema/d1/closed-people.ts";
import { cardOf, type CardRow, PICTURE } from "../../schema/d1/person-cards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import type { CommentRules } from "../../schema/comment-rules.ts";
import type { Audience } from "../../schema/viewing.ts";
import { people } from "../../schema/tables/people.ts";
import { likes, posts as postsTable, postStats as postStatsTable } from "../../schema/tables/posts.ts";
import type { Reader } from "../storage/reader.ts";
import { Tiers } from "../storage/tiers.ts";
import { AUDIENCE_COLUMNS, audienceOf, type AudienceRow, loaded, NO_MARKS, personDocuments } from "./documents.ts";

/** The parts of a post that look the same to everybody, as of `seq`. */
export type PostDocument = {
  id: PostId;
  author: PersonId;
  caption: string;
  media: PostMedia[];
  editedAt: number | null;
  seq: number;
};
/** The standing of a post in D1. D1 has everything up to the seq `projected`, and every comment up to `commentsUpTo`. */
export type PostStats = PostStanding & { projected: number; commentsUpTo: CommentId | "" };

/**
 * A post: its document, its standing, and what its author's database says about who may see it, all from one state of
 * that database. `followedAt` is set if the viewer's own database has just said that they follow the author: the
 * bookmark of the state that said so.
 */
export type KnownPost = { document: PostDocument; stats: PostStats; audience: Audience; followedAt?: string };
/** A post as D1 has it. A deleted one has no document. */
export type StoredPost = Omit<KnownPost, "document"> & { document: PostDocument | undefined };

/** How old posts and their counts may be shown, beyond the replica's delay. Own writes are visible at once. */
const FRESH_FOR = 1000; // ms

/** Not in KV, because the standing must be new, and one query reads both. Entries are up to 112 kB, mostly about 1 kB. */
export const posts = new Tiers<PostId, StoredPost>({
  freshFor: FRESH_FOR,
  load: (reader, ids) => loaded(reader, ids, POSTS, (row: PostRow) => [row.post, storedPostOf(row)]),
});

/**
 * The author and the audience of each post: what decides whether somebody may write to it. Apart from `posts`, which
 * every write to a post drops.
 */
const audiencesOfPosts = new Tiers<PostId, PostAudience>({
  freshFor: FRESH_FOR,
  load: (reader, ids) =>
    loaded(reader, ids, AUDIENCES_OF_POSTS, ({ id, author, ...row }: PostAudienceRow) => [
      id,
      { author, audience: audienceOf(row), rules: rulesOf(row.rules) },
    ]),
});

/** `rules`: the author's, for comments. */
export type PostAudience = Pick<KnownPost, "audience"> & { author: PersonId; rules: CommentRules };
type PostAudienceRow = AudienceRow & { id: PostId; author: PersonId; rules: string | null };

const NO_RULES: CommentRules = {};
const rulesOf = (text: string | null): CommentRules =>
  text === null || text === "{}" ? NO_RULES : (JSON.parse(text) as CommentRules);

/**
 * Returns the author and the audience of a post; undefined if it does not exist. Costs nothing if this isolate has read it
 * in the last second; otherwise one D1 query of two rows.
 */
export async function audienceOfPost(reader: Reader, post: PostId): Promise<PostAudience | undefined> {
  const known = (await decisive(audiencesOfPosts, reader, [post])).get(post);
  if (known || !reader.seen.post(post)?.isNew) return known;
  const fresh = await publishedJustNow(reader, post);
  return fresh && { author: fresh.document.author, audience: fresh.audience, rules: NO_RULES };
}

/** Reads what decides who may see posts: past the memory for a reader who must decide from the primary. */
const decisive = <V extends object>(tiers: Tiers<PostId, V>, reader: Reader, ids: PostId[]): Promise<Map<PostId, V>> =>
  reader.isFromPrimary ? tiers.renew(reader, ids) : tiers.get(reader, ids);

/** A row of STANDING_COLUMNS. */
export type StatsRow = Omit<typeof postStatsTable.$inferSelect, "deleted" | "takenDown"> & {
  deleted: 0 | 1;
  takenDown: 0 | 1;
};
type Nullable<T> = { [Key in keyof T]: T[Key] | null };
/** All columns of posts and people are null for a deleted post, and for one whose author's account is closed. */
export type PostRow = StatsRow &
  Nullable<Omit<PostDocument, "id" | "media" | "seq"> & { media: string; documentSeq: number }> &
  Nullable<Pick<CardRow, "handle" | "name" | "picture">> &
  AudienceRow;

/** The columns of a standing. */
export const STANDING_COLUMNS = sql`${postStatsTable.post}, ${postStatsTable.likes}, ${postStatsTable.comments},
  ${postStatsTable.seq}, ${postStatsTable.projected}, ${postStatsTable.bodySeq} AS "bodySeq", ${postStatsTable.policy},
  ${postStatsTable.pinned}, ${postStatsTable.deleted}, ${postStatsTable.commentsUpTo} AS "commentsUpTo",
  ${postStatsTable.takenDown} AS "takenDown"`;
/** The columns of a PostRow. */
const POST_COLUMNS: SQL = sql`${STANDING_COLUMNS}, ${postsTable.author}, ${postsTable.caption}, ${postsTable.media},
  ${postsTable.editedAt} AS "editedAt", ${postsTable.seq} AS "documentSeq", ${people.handle}, ${people.name},
  ${PICTURE} AS "picture", ${AUDIENCE_COLUMNS}`;

const POSTS = textOf(sql`
  SELECT ${POST_COLUMNS} FROM json_each(?1) CROSS JOIN ${postStatsTable} ON ${postStatsTable.post} = value
  LEFT JOIN ${postsTable} ON ${postsTable.id} = ${postStatsTable.post} AND ${isOpenSql(postsTable.author)}
  LEFT JOIN ${people} ON ${people.id} = ${postsTable.author}`);

const AUDIENCES_OF_POSTS = textOf(sql`
  SELECT ${postsTable.id}, ${postsTable.author}, ${people.commentRules} AS "rules", ${AUDIENCE_COLUMNS}
  FROM ${postsTable} LEFT JOIN ${people} ON ${people.id} = ${postsTable.author}
  WHERE ${postsTable.id} IN (SELECT value FROM json_each(?1)) AND ${isOpenSql(postsTable.author)}`);

function storedPostOf(row: PostRow): StoredPost {
  const { author, caption, media, editedAt, documentSeq, handle, name, picture } = row;
  // A post is in its author's database, so one query reads both.
  if (author !== null && handle !== null && name !== null)
    personDocuments.learn(author, cardOf({ id: author, handle, name, picture }));
  const isWhole = author !== null && caption !== null && media !== null && documentSeq !== null;
  return {
    document: isWhole
      ? { id: row.post, author, caption, media: JSON.parse(media) as PostMedia[], editedAt, seq: documentSeq }
      : undefined,
    stats: statsOf(row),
    audience: audienceOf(row),
  };
}

export const statsOf = ({
  likes,
  comments,
  seq,
  projected,
  bodySeq,
  policy,
  pinned,
  deleted,
  takenDown,
  commentsUpTo,
}: StatsRow): PostStats => ({
  likes,
  comments,
  seq,
  projected,
  bodySeq,
  policy,
  pinned,
  commentsUpTo,
  deleted: deleted === 1,
  takenDown: takenDown === 1,
});

/**
 * Returns the newest `limit` posts of one author below `before`, and which of them `viewer` likes if their database is
 * the author's. Costs one D1 query that reads three rows a post.
 */
export async function postsBy(
  reader: Reader,
  author: PersonId,
  before: PostId,
  limit: number,
): Promise<{ post: StoredPost; id: PostId; likedHere: boolean }[]> {
  const rows = await reader.replica<PostRow & { likedHere: 0 | 1 }>(
    author,
    POSTS_BY,
    author,
    before,
    limit,
    reader.person ?? "",
  );
  return rows.map(({ likedHere, ...row }) => {
    const post = storedPostOf(row);
    posts.learn(row.post, post);
    return { id: row.post, post, likedHere: likedHere === 1 };
  });
}

const POSTS_BY = textOf(sql`
  SELECT ${POST_COLUMNS}, EXISTS (
    SELECT 1 FROM ${likes} WHERE ${likes.person} = ?4 AND ${likes.post} = ${postsTable.id} AND ${likes.liked} = 1
  ) AS "likedHere"
  FROM ${postsTable} CROSS JOIN ${postStatsTable} ON ${postStatsTable.post} = ${postsTable.id}
  LEFT JOIN ${people} ON ${people.id} = ${postsTable.author}
  WHERE ${postsTable.author} = ?1 AND ${postsTable.id} < ?2 AND ${isOpenSql(sql`?1`)} ORDER BY ${postsTable.id} DESC LIMIT ?3`);

/** Reads the standings of posts from the primary, past the tiers. Costs one D1 query for each database. */
export async function freshStats(reader: Reader, ids: PostId[]): Promise<Map<PostId, PostStats>> {
  const rows = await reader.primariesByIds<PostRow>(ids, POSTS);
  return new Map(rows.map((row) => [row.post, statsOf(row)]));
}

/**
 * Returns those of the posts that exist. Costs nothing for posts that were read in the last second; otherwise one D1
 * query for each database. A post that the viewer has just published and that D1 does not have yet costs one actor
 * call.
 */
export async function knownPosts(reader: Reader, ids: PostId[]): Promise<Map<PostId, KnownPost>> {
  const stored = await decisive(posts, reader, ids);
  const known = new Map<PostId, KnownPost>();
  const fresh: PostId[] = [];
  for (const id of ids) {
    const post = stored.get(id);
    if (post?.document) known.set(id, { ...post, document: post.document });
    else if (!post && reader.seen.post(id)?.isNew) fresh.push(id);
  }
  await Promise.all(
    fresh.map(async (id) => {
      const post = await publishedJustNow(reader, id);
      if (post) known.set(id, post);
    }),
  );
  return known;
}

/** Whether this isolate has just read that D1 has the post as deleted. Costs nothing. */
export const isDeletedInD1 = (id: PostId): boolean => posts.remembered([id]).get(id)?.stats.deleted ?? false;

async function publishedJustNow(reader: Reader, id: PostId): Promise<KnownPost | undefined> {
  const snapshot = await reader.snapshot(id);
  // Anybody may write a token, so the actor says whose post it is.
  if (!snapshot.ok || reader.person === undefined || snapshot.author !== reader.person) return undefined;
  const { body, standing, author } = snapshot;
  return {
    document: { id, author, ...body, seq: standing.bodySeq },
    stats: { ...standing, projected: 0, commentsUpTo: "" },
    audience: { isPrivate: false, isBarred: false, marks: NO_MARKS },
  };
}

/** Drops a person's posts from memory after a change to who may see them, so that this isolate decides again. */
export const dropPostsBy = (author: PersonId): void => {
  posts.dropWhere(({ document }) => document?.author === author);
  audiencesOfPosts.dropWhere((post) => post.author === author);
};

/** Drops a post from memory after a change to it, so that this isolate shows nothing older from now on. */
export const dropPost = (post: PostId): void => posts.drop(post);
