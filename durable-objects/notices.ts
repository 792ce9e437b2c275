import type { Notice, PostFacts } from "../schema/facts.ts";
import { type PersonId, timeOf } from "../schema/ids.ts";
import { excerpt } from "../schema/text.ts";
import type { CommentRow, LikeRow, PostRow } from "./post-tables.ts";

const ACTORS_MAX = 3;
/** The newest comments that are searched for three different people. */
const COMMENTS_SEARCHED = 20;
const EXCERPT_MAX = 140;

/**
 * What the author is to be told of the post as it stands: state, not events, so it may be told twice or late. An unlike
 * simply leads to a smaller count, and flapping to the same one.
 */
export function notices(sql: SqlStorage, post: Readonly<PostRow>): PostFacts["notices"] {
  return { like: likeNotice(sql, post), comment: commentNotice(sql, post) };
}

function likeNotice(sql: SqlStorage, { author, likes }: Readonly<PostRow>): Notice {
  const own = sql.exec("SELECT 1 FROM likes WHERE person = ? AND liked = 1", author).toArray().length;
  const newest = sql
    .exec<LikeRow>("SELECT * FROM likes WHERE liked = 1 AND person <> ? ORDER BY seq DESC LIMIT ?", author, ACTORS_MAX)
    .toArray();
  return {
    count: likes - own,
    actors: newest.map((like) => like.person),
    version: lastSeq(sql, "likes"),
    raised: newest[0]?.seq ?? 0,
    at: newest[0]?.at ?? 0,
  };
}

function commentNotice(sql: SqlStorage, { author, comments, own_comments }: Readonly<PostRow>): Notice {
  const newest = sql
    .exec<CommentRow>("SELECT * FROM comments WHERE author <> ? ORDER BY id DESC LIMIT ?", author, COMMENTS_SEARCHED)
    .toArray();
  const people = new Set<PersonId>(newest.map((comment) => comment.author));
  const [last] = newest;
  return {
    count: comments - own_comments,
    actors: [...people].slice(0, ACTORS_MAX),
    version: lastSeq(sql, "comments"),
    raised: last?.seq ?? 0,
    at: last ? timeOf(last.id) : 0,
    ...(last && { excerpt: excerpt(last.text, EXCERPT_MAX) }),
  };
}

const lastSeq = (sql: SqlStorage, table: "likes" | "comments"): number =>
  sql.exec<{ seq: number }>(`SELECT coalesce(max(seq), 0) AS seq FROM ${table}`).one().seq;
