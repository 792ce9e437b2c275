/** The documents of posts and people, and the counts that are read fresh beside them. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { PostStanding } from "../../schema/facts.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { queryByIds } from "../../schema/by-ids.ts";
import { peopleByIds } from "../../schema/people-cards.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { PostMedia } from "../../schema/tables/posts.ts";
import { type Background, Documents } from "./tiers.ts";
import type { KnownPost } from "./visibility.ts";

/** What a post shows to everybody, as of `seq`. */
export type PostDocument = {
  id: PostId;
  author: PersonId;
  caption: string;
  media: PostMedia[];
  editedAt: number | null;
  seq: number;
};
/** Where a post stands in D1. `projected`: everything up to this `seq` is there, and every comment up to `commentsUpTo`. */
export type PostStats = PostStanding & { projected: number; commentsUpTo: CommentId | "" };

export const personDocuments = new Documents<PersonId, PersonCard>("person", peopleByIds);
export const postDocuments = new Documents<PostId, PostDocument>("body", postsByIds);

async function postsByIds(env: Env, ids: PostId[]): Promise<Map<PostId, PostDocument>> {
  const rows = await queryByIds<Omit<PostDocument, "media"> & { media: string }>(
    env,
    ids,
    `SELECT id, author, caption, media, edited_at AS editedAt, seq FROM posts
     WHERE id IN (SELECT value FROM json_each(?1))`,
  );
  return new Map(rows.map(({ media, ...post }) => [post.id, { ...post, media: JSON.parse(media) }]));
}

/** Where each of `ids` stands that was ever projected. One D1 query for each database. */
export async function postStats(env: Env, ids: Iterable<PostId>): Promise<Map<PostId, PostStats>> {
  const rows = await queryByIds<Omit<PostStats, "deleted"> & { post: PostId; deleted: number }>(
    env,
    ids,
    `SELECT post, likes, comments, seq, projected, body_seq AS bodySeq, policy, pinned, deleted,
       comments_up_to AS commentsUpTo FROM post_stats
     WHERE post IN (SELECT value FROM json_each(?1))`,
  );
  return new Map(rows.map(({ post, deleted, ...stats }) => [post, { ...stats, deleted: deleted === 1 }]));
}

/**
 * Documents and where the posts stand, of those that have both. One D1 query for each database, and a second one when a
 * document that was cached is older than the last change to its post.
 */
export async function knownPosts(env: Env, background: Background, ids: PostId[]): Promise<Map<PostId, KnownPost>> {
  const [documents, stats] = await Promise.all([postDocuments.get(env, background, ids), postStats(env, ids)]);
  const old = ids.filter((id) => (documents.get(id)?.seq ?? 0) < (stats.get(id)?.bodySeq ?? 0) && documents.has(id));
  const renewed = old.length > 0 ? await postDocuments.renew(env, background, old) : new Map<PostId, PostDocument>();
  return new Map(
    ids.flatMap((id) => {
      const document = renewed.get(id) ?? documents.get(id);
      const known = stats.get(id);
      return document && known ? [[id, { document, stats: known }] as const] : [];
    }),
  );
}

/** Which of `comments` the person likes. One D1 query, in the person's database. */
export async function likedCommentsAmong(
  env: Env,
  person: PersonId,
  comments: Iterable<CommentId>,
): Promise<Set<CommentId>> {
  const rows = await databaseOf(env, person)
    .prepare(
      `SELECT comment FROM comment_likes
       WHERE person = ?1 AND liked = 1 AND comment IN (SELECT value FROM json_each(?2))`,
    )
    .bind(person, JSON.stringify([...comments]))
    .all<{ comment: CommentId }>();
  return new Set(rows.results.map(({ comment }) => comment));
}

/** Which of `posts` the person likes. One D1 query, in the person's database. */
export async function likedAmong(env: Env, person: PersonId, posts: Iterable<PostId>): Promise<Set<PostId>> {
  const rows = await databaseOf(env, person)
    .prepare("SELECT post FROM likes WHERE person = ?1 AND liked = 1 AND post IN (SELECT value FROM json_each(?2))")
    .bind(person, JSON.stringify([...posts]))
    .all<{ post: PostId }>();
  return new Set(rows.results.map(({ post }) => post));
}
