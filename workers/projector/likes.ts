import type { PersonId, PostId } from "../../schema/ids.ts";
import { hashOf, LANE_MAX } from "../../schema/set-hash.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import type { CommentLikeFact, PostFacts } from "../../schema/messages/facts.ts";

/** One person's like of one post, as it stood at `seq`. */
export type LikeRow = { person: PersonId; post: PostId; liked: boolean; seq: number };

/**
 * Returns the newest like of each person and post, since a batch may hold several messages of one post in any order.
 */
export function newestLikes(facts: readonly PostFacts[]): LikeRow[] {
  const newest = new Map<string, LikeRow>();
  for (const { post, likes } of facts) {
    for (const like of likes) {
      const key = `${like.person} ${post}`;
      if (like.seq > (newest.get(key)?.seq ?? 0)) newest.set(key, { ...like, post });
    }
  }
  return [...newest.values()];
}

/**
 * Returns the statements that write likes to the database of their people and update the digests there. The digests
 * come first, because they compare with the stored likes, so they match these exactly even if facts repeat or come
 * late. Writes one row per like and one per post.
 */
export function likeStatements(database: D1Database, likes: readonly LikeRow[]): D1PreparedStatement[] {
  const rows = likes.map(({ person, post, liked, seq }) => [person, post, Number(liked), seq, ...hashOf(person)]);
  return [...setBased(database, UPDATE_DIGESTS, rows), ...setBased(database, UPSERT_LIKES, rows)];
}

/**
 * Returns the statements that add each like's `change` (1 or -1) to the digest of its post without regard to stored
 * likes. For callers that move the likes themselves.
 */
export const digestStatements = (
  database: D1Database,
  changes: readonly { person: PersonId; post: PostId; change: 1 | -1 }[],
): D1PreparedStatement[] =>
  setBased(
    database,
    ADD_TO_DIGESTS,
    changes.map(({ person, post, change }) => [post, change, ...hashOf(person)]),
  );

// `change` is 1, 0 or -1. The mask takes a negative sum modulo 2^48 as well, since SQLite's integers are two's
// complement.
const addToDigests = (changes: string): string => `
  INSERT INTO like_digests (post, likes, a, b, c)
  SELECT post, sum(change), sum(change * a) & ${LANE_MAX}, sum(change * b) & ${LANE_MAX}, sum(change * c) & ${LANE_MAX}
  FROM (${changes})
  WHERE change <> 0 GROUP BY post
  ON CONFLICT DO UPDATE SET likes = likes + excluded.likes,
    a = (a + excluded.a) & ${LANE_MAX}, b = (b + excluded.b) & ${LANE_MAX}, c = (c + excluded.c) & ${LANE_MAX}`;

const UPDATE_DIGESTS = addToDigests(`
    SELECT value ->> 1 AS post, (value ->> 2) - coalesce(likes.liked, 0) AS change,
      value ->> 4 AS a, value ->> 5 AS b, value ->> 6 AS c
    FROM json_each(?1) LEFT JOIN likes ON likes.person = value ->> 0 AND likes.post = value ->> 1
    WHERE value ->> 3 > coalesce(likes.seq, 0)`);

const ADD_TO_DIGESTS = addToDigests(`
    SELECT value ->> 0 AS post, value ->> 1 AS change, value ->> 2 AS a, value ->> 3 AS b, value ->> 4 AS c
    FROM json_each(?1)`);

const UPSERT_LIKES = `
  INSERT INTO likes (person, post, liked, seq)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET liked = excluded.liked, seq = excluded.seq WHERE excluded.seq > seq`;

/** Returns the statements that write likes of comments. Writes one row per like. */
export const commentLikeStatements = (database: D1Database, likes: readonly CommentLikeFact[]): D1PreparedStatement[] =>
  setBased(
    database,
    UPSERT_COMMENT_LIKES,
    likes.map(({ person, comment, liked, seq }) => [person, comment, Number(liked), seq]),
  );

const UPSERT_COMMENT_LIKES = `
  INSERT INTO comment_likes (person, comment, liked, seq)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET liked = excluded.liked, seq = excluded.seq WHERE excluded.seq > seq`;
