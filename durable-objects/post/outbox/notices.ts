/**
 * The notices of a post: for its author about likes and comments, and for others about replies to them, mentions of
 * them and likes of their comments. A comment gives each person one notice at most: as a reply, else as a mention,
 * else, for the post's author, as a comment.
 *
 * A notice carries the present state of its subject, so it may come twice or late: an unlike just makes the count
 * smaller, and a like that was taken back and given again leaves it the same. Its events say what is new. An event
 * always has the same number, which grows with each new person who likes or with a comment's time, so a repeated like
 * is not new.
 */
import type { PostFacts } from "../../../schema/messages/facts.ts";
import type { Notice, NoticeEvent } from "../../../schema/messages/notices.ts";
import { type CommentId, NOBODY, type PersonId, timeOf } from "../../../schema/ids.ts";
import { excerpt } from "../../../schema/text.ts";
import type { CommentThreads } from "../comments/comment-threads.ts";
import type { LikeSet } from "../likes/like-set.ts";
import type { PostRecord } from "../post-record.ts";
import { type CommentLikeRow, type CommentRow, GONE, type PostRow, SHOWN } from "../post-tables.ts";

const ACTORS_MAX = 3;
/** The most events of a notice, the newest ones: several, because the recipient may not want to hear of some people. */
const EVENTS_MAX = 8;
/** How many of the newest comments are searched for ones by others than the post's author. */
const COMMENTS_SEARCHED = 200;
/** How many of the newest likes of comments are searched for those of one comment. */
const LIKES_SEARCHED = 500;
/** The most recipients from the thread of a comment that was hidden, shown again or deleted. */
const THREAD_RECIPIENTS_MAX = 60;
const EXCERPT_MAX = 140;
const COMMENTS_PER_MESSAGE = 50;
/** Does not bound the first comment's notices, which are THREAD_RECIPIENTS_MAX at most, of 1.2 kB each. */
const BYTES_PER_MESSAGE = 30_000;

type Sources = { record: PostRecord; likes: LikeSet; comments: CommentThreads };
type Notices = NonNullable<PostFacts["notices"]>;

/**
 * Returns the notices of all changes after `seq`, or of the first of them: `to` is the `seq` up to which they are
 * complete. Their events are only those after `seq`. Reads the changes; for each person and thread that a changed
 * comment concerns, the thread's replies to that person; the comments that mention the same people; and LIKES_SEARCHED
 * likes for each comment that was liked.
 */
export function noticesSince(sql: SqlStorage, { record, likes, comments }: Sources, seq: number): Notices {
  const post = record.row;
  if (post.author === NOBODY) return { from: seq + 1, to: post.seq, list: [] }; // Deleted with its author's account.
  // A comment is saved with the post's row, so after that row there are only likes.
  const isOnlyLikes = seq >= record.saved;
  const changed = isOnlyLikes
    ? []
    : sql
        .exec<CommentRow>("SELECT * FROM comments WHERE seq > ? ORDER BY seq LIMIT ?", seq, COMMENTS_PER_MESSAGE)
        .toArray();
  const liked = isOnlyLikes ? new Set<CommentId>() : likedSince(sql, seq);
  const list = new Map<string, Notice>();
  const isOnlyOwn = post.people === 1 && likes.has(post.author);
  if (post.likes_seq > seq && !isOnlyOwn) list.set("likes", ofLikes(post, likes, seq));
  if (
    post.deleted ||
    changed.some((comment) => hasChanged(comment, seq) && (comment.told || comment.told_replies > 0))
  ) {
    list.set("comments", ofComments(sql, post, seq));
  }
  if (seq === 0) for (const person of mentionedInCaption(sql)) list.set(person, ofMentions(sql, post, person, seq));

  let bytes = sizeOf([...list.values()]);
  for (const [index, comment] of changed.entries()) {
    const occasions = [
      ...(hasChanged(comment, seq) ? occasionsOf(sql, comment, seq) : []),
      ...(comment.likers > 0 && (liked.has(comment.id) || comment.state_seq > seq) ? [{ likesOf: comment }] : []),
    ].filter((one) => !list.has(keyOf(one)));
    const notices = occasions.map((one) => {
      if ("likesOf" in one) return ofCommentLikes(sql, post, comments, one.likesOf, seq);
      const { person, thread } = one;
      return thread === undefined ? ofMentions(sql, post, person, seq) : ofReplies(sql, post, person, thread, seq);
    });
    bytes += sizeOf(notices);
    if (index > 0 && bytes > BYTES_PER_MESSAGE) return { from: seq + 1, to: comment.seq - 1, list: [...list.values()] };
    for (const [place, one] of occasions.entries()) list.set(keyOf(one), notices[place] as Notice);
  }
  const to = changed.length < COMMENTS_PER_MESSAGE ? post.seq : (changed.at(-1)?.seq ?? post.seq);
  return { from: seq + 1, to, list: [...list.values()] };
}

/** Whether the comment was written, edited, hidden, shown or deleted after `seq`, not just liked or replied to. */
const hasChanged = ({ text_seq, state_seq }: CommentRow, seq: number): boolean => text_seq > seq || state_seq > seq;

/**
 * The occasion of a notice: replies to `person` in `thread`; mentions of them, if `thread` is undefined; or likes of a
 * comment.
 */
type Occasion = { person: PersonId; thread: CommentId | "" | undefined } | { likesOf: CommentRow };

const keyOf = (one: Occasion): string =>
  "likesOf" in one ? `likes ${one.likesOf.id}` : one.thread === undefined ? one.person : `${one.person} ${one.thread}`;

const encoder = new TextEncoder();
const sizeOf = (notices: Notice[]): number => encoder.encode(JSON.stringify(notices)).length;

function ofLikes({ id, author, likes: count, likes_seq }: Readonly<PostRow>, likes: LikeSet, since: number): Notice {
  const newest = likes.newest();
  return {
    recipient: author,
    kind: "like",
    subject: id,
    post: id,
    count: count - Number(likes.has(author)),
    actors: newest.slice(0, ACTORS_MAX).map(({ person }) => person),
    excerpt: null,
    version: likes_seq,
    events: eventsOfLikes(newest, since),
  };
}

/** A like from before `nth` was counted has the lowest number, 1, and so is never new. */
const eventsOfLikes = (newest: { person: PersonId; nth: number; seq: number }[], since: number): NoticeEvent[] =>
  newest
    .filter(({ seq }) => seq > since)
    .slice(0, EVENTS_MAX)
    .map(({ person, nth }) => ({ actor: person, raised: nth + 1 }));

/** The author's notice of comments, without replies to them and mentions of them. */
function ofComments(sql: SqlStorage, post: Readonly<PostRow>, since: number): Notice {
  const newest = sql
    .exec<CommentRow>(
      `SELECT * FROM (SELECT * FROM comments ORDER BY id DESC LIMIT ?1) AS comments
       WHERE told = 1 AND ${IS_VISIBLE} ORDER BY id DESC LIMIT ${EVENTS_MAX}`,
      COMMENTS_SEARCHED,
    )
    .toArray();
  return {
    ...ofText(post, newest, since),
    recipient: post.author,
    kind: "comment",
    subject: post.id,
    count: post.told_comments,
  };
}

/**
 * The people that a comment replies to and mentions; if the comment was hidden, shown or deleted after `seq`, also those
 * of its replies, and the likes of its replies.
 */
function occasionsOf(sql: SqlStorage, comment: CommentRow, seq: number): Occasion[] {
  const isUnderChanged = comment.parent === "" && comment.state_seq > seq;
  const under = isUnderChanged
    ? sql
        .exec<CommentRow>(
          `SELECT * FROM comments WHERE parent = ? AND state < ${GONE} ORDER BY id DESC LIMIT ?`,
          comment.id,
          THREAD_RECIPIENTS_MAX,
        )
        .toArray()
    : [];
  const all = [comment, ...under].flatMap((row): Occasion[] => [
    ...(row.reply_to && row.reply_to !== row.author ? [{ thread: row.parent, person: row.reply_to }] : []),
    ...(JSON.parse(row.mentions) as PersonId[]).map((person) => ({ thread: undefined, person })),
    ...(row !== comment && row.likers > 0 ? [{ likesOf: row }] : []),
  ]);
  return [...new Map(all.map((one) => [keyOf(one), one])).values()].slice(0, THREAD_RECIPIENTS_MAX);
}

/** The notice of the replies to `person` in one thread. */
function ofReplies(
  sql: SqlStorage,
  post: Readonly<PostRow>,
  person: PersonId,
  thread: CommentId | "",
  since: number,
): Notice {
  const where = `parent = ?1 AND reply_to = ?2 AND author <> ?2 AND state < ${GONE} AND ${IS_VISIBLE}`;
  const { count } = sql
    .exec<{ count: number }>(`SELECT count(*) AS count FROM comments WHERE ${where}`, thread, person)
    .one();
  const newest = sql
    .exec<CommentRow>(`SELECT * FROM comments WHERE ${where} ORDER BY id DESC LIMIT ${EVENTS_MAX}`, thread, person)
    .toArray();
  return { ...ofText(post, newest, since), recipient: person, kind: "reply", subject: thread as CommentId, count };
}

/** The notice of the caption and the comments that mention `person`. */
function ofMentions(sql: SqlStorage, post: Readonly<PostRow>, person: PersonId, since: number): Notice {
  const where = `id IN (SELECT comment FROM mentions WHERE person = ?) AND ${IS_VISIBLE}`;
  const { count } = sql.exec<{ count: number }>(`SELECT count(*) AS count FROM comments WHERE ${where}`, person).one();
  const newest = sql
    .exec<CommentRow>(`SELECT * FROM comments WHERE ${where} ORDER BY id DESC LIMIT ${EVENTS_MAX}`, person)
    .toArray();
  const notice = ofText(post, newest, since);
  const isInCaption = sql.exec("SELECT 1 FROM mentions WHERE person = ? AND comment = ''", person).toArray().length > 0;
  const mentions = { ...notice, recipient: person, kind: "mention", subject: post.id, count } as const;
  if (!isInCaption) return mentions;
  return {
    ...mentions,
    count: count + 1,
    actors: [...new Set([...notice.actors, post.author])].slice(0, ACTORS_MAX),
    excerpt: notice.excerpt ?? excerpt(post.caption, EXCERPT_MAX),
    events: since === 0 ? [...notice.events, { actor: post.author, raised: timeOf(post.id) }] : notice.events,
  };
}

/** The notice of the likes of a comment. */
function ofCommentLikes(
  sql: SqlStorage,
  post: Readonly<PostRow>,
  comments: CommentThreads,
  { id, author, likes, text }: CommentRow,
  since: number,
): Notice {
  const notice = { recipient: author, kind: "comment_like", subject: id, post: post.id, version: post.seq } as const;
  if (!comments.existing(id)) return { ...notice, count: 0, actors: [], excerpt: null, events: [] };
  const others = "comment = ?1 AND person <> ?2 AND liked = 1";
  const recent = sql
    .exec<CommentLikeRow>(
      `SELECT * FROM (SELECT * FROM comment_likes ORDER BY seq DESC LIMIT ${LIKES_SEARCHED})
       WHERE ${others} ORDER BY nth DESC LIMIT ${EVENTS_MAX}`,
      id,
      author,
    )
    .toArray();
  // Without a recent like, any of the people who like the comment will do.
  const newest =
    recent.length > 0
      ? recent
      : sql
          .exec<CommentLikeRow>(`SELECT * FROM comment_likes WHERE ${others} LIMIT ${ACTORS_MAX}`, id, author)
          .toArray();
  const own = sql
    .exec("SELECT 1 FROM comment_likes WHERE comment = ? AND person = ? AND liked = 1", id, author)
    .toArray().length;
  return {
    ...notice,
    count: likes - own,
    actors: newest.slice(0, ACTORS_MAX).map(({ person }) => person),
    excerpt: excerpt(text, EXCERPT_MAX),
    events: eventsOfLikes(newest, since),
  };
}

/**
 * The fields that all notices of comments share, newest comment first. An event's number is the time of its comment, so
 * an edit is not new.
 */
function ofText(
  post: Readonly<PostRow>,
  newest: CommentRow[],
  since: number,
): Pick<Notice, "post" | "actors" | "excerpt" | "version" | "events"> {
  const [last] = newest;
  return {
    post: post.id,
    actors: [...new Set(newest.map(({ author }) => author))].slice(0, ACTORS_MAX),
    excerpt: last ? excerpt(last.text, EXCERPT_MAX) : null,
    version: post.seq,
    events: newest
      .filter(({ text_seq, state_seq }) => Math.max(text_seq, state_seq) > since)
      .map(({ id, author }) => ({ actor: author, raised: timeOf(id) })),
  };
}

const likedSince = (sql: SqlStorage, seq: number): Set<CommentId> =>
  new Set(
    sql
      .exec<CommentLikeRow>("SELECT DISTINCT comment FROM comment_likes WHERE seq > ?", seq)
      .toArray()
      .map(({ comment }) => comment),
  );

const mentionedInCaption = (sql: SqlStorage): PersonId[] =>
  sql
    .exec<{ person: PersonId }>("SELECT person FROM mentions WHERE comment = ''")
    .toArray()
    .map(({ person }) => person);

/** SQL for a comment that everybody sees: it is shown, and so is its parent. */
const IS_VISIBLE = `(state = ${SHOWN} AND (parent = '' OR EXISTS (
  SELECT 1 FROM comments AS above WHERE above.id = comments.parent AND above.state = ${SHOWN})))`;
