import type { PersonCard } from "../../schema/api/people.ts";
import type { Comment } from "../../schema/api/posts.ts";
import { type CommentId, type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { personDocuments, postStats } from "./documents.ts";
import type { Background } from "./tiers.ts";
import type { Reader } from "./posts.ts";

export type StoredComment = { id: CommentId; author: PersonId; text: string };

/** Oldest first, from the one after `after` on. One D1 query; two and an actor call while an own write is not in D1. */
export async function commentsOf(
  env: Env,
  reader: Reader,
  post: PostId,
  after: CommentId | undefined,
  limit: number,
): Promise<StoredComment[]> {
  if (await isBehind(env, reader, post)) {
    const answer = await env.POSTS.getByName(post).comments(after, limit);
    if (answer.ok) return answer.comments;
  }
  const rows = await databaseOf(env, post)
    .prepare("SELECT id, author, text FROM comments WHERE post = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
    .bind(post, after ?? "", limit)
    .all<StoredComment>();
  return rows.results;
}

/** Leaves out the comments of people who are gone. */
export async function presentComments(
  env: Env,
  background: Background,
  comments: readonly StoredComment[],
): Promise<Map<CommentId, Comment>> {
  const authors = comments.map(({ author }) => author);
  const people = await personDocuments.get(env, background, authors);
  return new Map(
    comments.flatMap((comment) => {
      const author = people.get(comment.author);
      return author ? [[comment.id, presentComment(comment, author)] as const] : [];
    }),
  );
}

export const presentComment = ({ id, text }: StoredComment, author: PersonCard): Comment => ({
  id,
  author,
  text,
  createdAt: new Date(timeOf(id)).toISOString(),
});

async function isBehind(env: Env, { written }: Reader, post: PostId): Promise<boolean> {
  const wanted = written.get(post);
  if (wanted === undefined) return false;
  const stats = await postStats(env, [post]);
  return (stats.get(post)?.seq ?? 0) < wanted;
}
