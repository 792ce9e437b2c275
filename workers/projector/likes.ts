import { type SQL, sql } from "drizzle-orm";
import type { PersonId, PostId } from "../../schema/ids.ts";
import { hashOf, LANE_MAX } from "../../schema/set-hash.ts";
import type { Statement } from "../../schema/d1/database.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { bare, excluded, fieldsOf, list, literal, rowsOf, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import type { CommentLikeFact, PostFacts } from "../../schema/messages/facts.ts";
import { commentLikes, likeDigests, likes } from "../../schema/tables/posts.ts";

const LIKES = rowsOf(likes, ["person", "post", "liked", "seq"]);
const COMMENT_LIKES = rowsOf(commentLikes, ["person", "comment", "liked", "seq", "post"]);

/** One person's like of one post, as it stood at `seq`. */
export type LikeRow = typeof LIKES.Row;

/** The hash of one person, by the columns of a digest. */
type Lanes = Pick<typeof likeDigests.$inferSelect, "a" | "b" | "c">;

/** What moves between databases: the like of one person counts in the digest of its post, or no longer counts. */
type DigestChange = { person: PersonId; post: PostId; change: 1 | -1 };

/**
 * Returns the newest like of each person and post, since a batch may hold several messages of one post in any order.
 */
export function newestLikes(facts: readonly PostFacts[]): LikeRow[] {
  const newest = new Map<string, LikeRow>();
  for (const fact of facts) {
    for (const like of fact.likes) {
      const key = `${like.person} ${fact.post}`;
      if (like.seq > (newest.get(key)?.seq ?? 0)) newest.set(key, { ...like, post: fact.post });
    }
  }
  return [...newest.values()];
}

/**
 * Returns the statements that write likes to the database of their people and update the digests there. The digests
 * come first, because they compare with the stored likes, so they match these exactly even if facts repeat or come
 * late. Writes one row per like and one per post.
 */
export function likeStatements(rows: readonly LikeRow[]): Statement[] {
  const hashed = rows.map((row) => ({ ...row, ...lanesOf(row.person) }));
  return [...setBased(UPDATE_DIGESTS, hashed), ...setBased(UPSERT_LIKES, hashed)];
}

/**
 * Returns the statements that add each like's `change` to the digest of its post without regard to stored likes. For
 * callers that move the likes themselves.
 */
export const digestStatements = (changes: readonly DigestChange[]): Statement[] =>
  setBased(
    ADD_TO_DIGESTS,
    changes.map(({ person, post, change }) => ({ post, change, ...lanesOf(person) })),
  );

function lanesOf(person: PersonId): Lanes {
  const [a, b, c] = hashOf(person);
  return { a, b, c };
}

/** Returns the statements that write likes of comments. Writes one row per like. */
export const commentLikeStatements = (rows: readonly (CommentLikeFact & { post: PostId })[]): Statement[] =>
  setBased(UPSERT_COMMENT_LIKES, rows satisfies readonly (typeof COMMENT_LIKES.Row)[]);

const MASK = literal(LANE_MAX);

const addLane = (lane: typeof likeDigests.a | typeof likeDigests.b | typeof likeDigests.c): SQL =>
  sql`${bare(lane)} = (${lane} + ${excluded(lane)}) & ${MASK}`;

// `change` is 1, 0 or -1. The mask takes a negative sum modulo 2^48 as well, since SQLite's integers are two's
// complement.
const addToDigests = (changes: SQL): string =>
  textOf(sql`
    INSERT INTO ${likeDigests} (${list(likeDigests.post, likeDigests.likes, likeDigests.a, likeDigests.b, likeDigests.c)})
    SELECT post, sum(change), sum(change * a) & ${MASK}, sum(change * b) & ${MASK}, sum(change * c) & ${MASK}
    FROM (${changes})
    WHERE change <> 0 GROUP BY post
    ON CONFLICT DO UPDATE SET
      ${bare(likeDigests.likes)} = ${likeDigests.likes} + ${excluded(likeDigests.likes)},
      ${addLane(likeDigests.a)}, ${addLane(likeDigests.b)}, ${addLane(likeDigests.c)}`);

const like = fieldsOf<LikeRow & Lanes>();
const UPDATE_DIGESTS = addToDigests(sql`
      SELECT ${like("post")} AS post, (${like("liked")}) - coalesce(${likes.liked}, 0) AS change,
        ${like("a")} AS a, ${like("b")} AS b, ${like("c")} AS c
      FROM json_each(?1) LEFT JOIN ${likes} ON ${likes.person} = ${like("person")} AND ${likes.post} = ${like("post")}
      WHERE ${like("seq")} > coalesce(${likes.seq}, 0)`);

const changed = fieldsOf<Omit<DigestChange, "person"> & Lanes>();
const ADD_TO_DIGESTS = addToDigests(sql`
      SELECT ${changed("post")} AS post, ${changed("change")} AS change,
        ${changed("a")} AS a, ${changed("b")} AS b, ${changed("c")} AS c
      FROM json_each(?1)`);

const UPSERT_LIKES = textOf(sql`
  INSERT INTO ${likes} (${LIKES.columns}) SELECT ${LIKES.values} FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET ${takeExcluded(likes.liked, likes.seq)} WHERE ${excluded(likes.seq)} > ${likes.seq}`);

const UPSERT_COMMENT_LIKES = textOf(sql`
  INSERT INTO ${commentLikes} (${COMMENT_LIKES.columns}) SELECT ${COMMENT_LIKES.values} FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET ${takeExcluded(commentLikes.liked, commentLikes.seq, commentLikes.post)}
  WHERE ${excluded(commentLikes.seq)} > ${commentLikes.seq}`);
