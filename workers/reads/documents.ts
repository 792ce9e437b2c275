/** The documents of posts and people, and the counts that are read fresh beside them. */
import type { PersonCard } from "../../schema/api/people.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import type { PostMedia } from "../../schema/tables/posts.ts";
import { queryByIds } from "./by-ids.ts";
import { peopleByIds } from "./people.ts";
import { Documents } from "./tiers.ts";

/** What a post shows to everybody. */
export type PostDocument = { id: PostId; author: PersonId; caption: string; media: PostMedia[] };
export type PostStats = { likes: number; comments: number; seq: number };

export const personDocuments = new Documents<PersonId, PersonCard>("person", peopleByIds);
export const postDocuments = new Documents<PostId, PostDocument>("post", postsByIds);

async function postsByIds(env: Env, ids: PostId[]): Promise<Map<PostId, PostDocument>> {
  const rows = await queryByIds<Omit<PostDocument, "media"> & { media: string }>(
    env,
    ids,
    "SELECT id, author, caption, media FROM posts WHERE id IN (SELECT value FROM json_each(?1))",
  );
  return new Map(rows.map(({ media, ...post }) => [post.id, { ...post, media: JSON.parse(media) }]));
}

/** The counts of each of `ids` that has any. One D1 query for each database. */
export async function postStats(env: Env, ids: Iterable<PostId>): Promise<Map<PostId, PostStats>> {
  const rows = await queryByIds<PostStats & { post: PostId }>(
    env,
    ids,
    "SELECT post, likes, comments, seq FROM post_stats WHERE post IN (SELECT value FROM json_each(?1))",
  );
  return new Map(rows.map(({ post, ...stats }) => [post, stats]));
}

/** Which of `posts` the person likes. One D1 query, in the person's database. */
export async function likedAmong(env: Env, person: PersonId, posts: Iterable<PostId>): Promise<Set<PostId>> {
  const rows = await databaseOf(env, person)
    .prepare("SELECT post FROM likes WHERE person = ?1 AND liked = 1 AND post IN (SELECT value FROM json_each(?2))")
    .bind(person, JSON.stringify([...posts]))
    .all<{ post: PostId }>();
  return new Set(rows.results.map(({ post }) => post));
}
