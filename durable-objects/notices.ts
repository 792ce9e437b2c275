import type { Notice } from "../schema/facts.ts";
import { type PersonId, timeOf } from "../schema/ids.ts";
import { excerpt } from "../schema/text.ts";
import type { LikeSet } from "./like-set.ts";
import { type CommentRow, type PostRow, SHOWN } from "./post-tables.ts";

const ACTORS_MAX = 3;
/** The newest comments, in which others than the author are looked for. */
const COMMENTS_SEARCHED = 200;
/** Of those, the newest that are searched for three different people. */
const COMMENTS_TOLD = 20;
const EXCERPT_MAX = 140;

/**
 * What the author is to be told of the post as it stands: state, not events, so it may be told twice or late. An unlike
 * simply leads to a smaller count, and flapping to the same one. Of a post that is gone nothing counts.
 */
export function notices(sql: SqlStorage, post: Readonly<PostRow>, likes: LikeSet): Notice[] {
  return [likeNotice(post, likes), commentNotice(sql, post)].filter(({ version }) => version > 0);
}

function likeNotice({ id, author, likes: count, likes_seq }: Readonly<PostRow>, likes: LikeSet): Notice {
  const newest = likes.newest(ACTORS_MAX);
  return {
    recipient: author,
    kind: "like",
    subject: id,
    post: id,
    count: count - Number(likes.has(author)),
    actors: newest.map(({ person }) => person),
    excerpt: null,
    version: likes_seq,
    events: newest.map(({ person, seq, at }) => ({ actor: person, raised: seq, at })),
  };
}

function commentNotice(sql: SqlStorage, post: Readonly<PostRow>): Notice {
  const newest = sql
    .exec<CommentRow>(
      `SELECT * FROM (SELECT * FROM comments ORDER BY id DESC LIMIT ?1) AS newest
       WHERE author <> ?2 AND state = ${SHOWN}
       AND (parent = '' OR EXISTS (SELECT 1 FROM comments WHERE id = newest.parent AND state = ${SHOWN}))
       ORDER BY id DESC LIMIT ?3`,
      COMMENTS_SEARCHED,
      post.author,
      COMMENTS_TOLD,
    )
    .toArray();
  const people = new Set<PersonId>(newest.map((comment) => comment.author));
  const [last] = newest;
  const { version } = sql.exec<{ version: number }>("SELECT coalesce(max(seq), 0) AS version FROM comments").one();
  return {
    recipient: post.author,
    kind: "comment",
    subject: post.id,
    post: post.id,
    count: post.comments - post.own_comments,
    actors: [...people].slice(0, ACTORS_MAX),
    excerpt: last ? excerpt(last.text, EXCERPT_MAX) : null,
    version: post.deleted ? post.seq : version,
    // Not its `seq`, which an edit, a like or a reply moves on: nothing new has been said then.
    events: newest.map(({ id, author }) => ({ actor: author, raised: timeOf(id), at: timeOf(id) })),
  };
}
