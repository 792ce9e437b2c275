/**
 * Projects post facts to D1. Every statement is set-based and guards each row by its `seq`, so messages may arrive
 * twice, late or out of order. A batch costs two D1 batches per database, of 7 statements together however many likes
 * it carries, and one call to each post's actor.
 */
import type { Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { PostFacts } from "../../schema/messages/facts.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { announce } from "../push/announce.ts";
import { trimInboxStatements } from "../notifications/inbox-limit.ts";
import {
  notificationStatements,
  type UnreadNotification,
  unreadStatements,
} from "../notifications/write-notifications.ts";
import { sendEffect } from "../storage/effects.ts";
import { countDelivered } from "../operations/count-delivered.ts";
import { dropPost } from "../reads/documents.ts";
import { timelines } from "../feeds/timelines.ts";
import type { Reader } from "../storage/reader.ts";
import { consumeBatch } from "../operations/consume.ts";
import { endOf } from "./erase.ts";
import { commentLikeStatements, likeStatements, newestLikes } from "./likes.ts";

/** Consumes the queue of facts. */
export const consumeFacts = (batch: MessageBatch, env: Env): Promise<void> =>
  consumeBatch(batch, env, PostFacts, (facts) => project(env, facts));

/**
 * Writes the facts to D1, notifies the people they concern, then confirms them to their actors. Repeating it changes
 * nothing.
 */
export async function project(env: Env, facts: readonly PostFacts[]): Promise<void> {
  const unread = await writePeoplesParts(env, facts);
  // Posts come after likes, which may be in other databases: a reader who finds the `seq` of their like must find the
  // like.
  const posts = byDatabase(env, facts, ({ post }) => post);
  await Promise.all(
    [...posts].map(async ([database, group]) => {
      const comments = setBased(UPSERT_COMMENTS, group.flatMap(commentRows));
      const { statements, effects } = postStatements(group);
      await database.patient.batch([...comments, ...statements]);
      await Promise.all(effects.map((effect) => sendEffect(env, effect)));
    }),
  );
  for (const { post, author } of facts) {
    dropPost(post);
    timelines.drop(author);
  }
  // Notices are not confirmed if pushes could not be queued, so the actors send them again.
  await confirm(env, facts, await announce(env, unread));
}

/**
 * Writes likes and notifications, in one D1 batch for each database of their people. Returns the entries that are
 * unread.
 */
async function writePeoplesParts(env: Env, facts: readonly PostFacts[]): Promise<UnreadNotification[]> {
  const likes = byDatabase(env, newestLikes(facts), ({ person }) => person);
  const commentLikes = byDatabase(
    env,
    facts.flatMap((fact) => fact.commentLikes),
    ({ person }) => person,
  );
  const notices = byDatabase(
    env,
    facts.flatMap((fact) => fact.notices?.list ?? []),
    ({ recipient }) => recipient,
  );
  const written = [...new Set([...likes.keys(), ...commentLikes.keys(), ...notices.keys()])].map(async (database) => {
    const own = notices.get(database) ?? [];
    const noticeStatements = notificationStatements(own);
    const statements = [
      ...noticeStatements,
      ...likeStatements(likes.get(database) ?? []),
      ...commentLikeStatements(commentLikes.get(database) ?? []),
      ...trimInboxStatements(own.map(({ recipient }) => recipient)),
    ];
    const results = await database.patient.batch<UnreadNotification>([...statements, ...unreadStatements(own)]);
    countDelivered("notifications", ...results.slice(0, noticeStatements.length));
    return results.slice(statements.length).flatMap(({ rows }) => rows);
  });
  return (await Promise.all(written)).flat();
}

/**
 * Projects a change to the post itself within the request that makes it, so that it is visible at once. A failure is
 * only logged, because the projector will write the change too. Costs one D1 batch.
 */
export async function projectAtOnce(reader: Reader, post: PostInFacts): Promise<void> {
  const { env } = reader;
  try {
    const { statements, effects } = postStatements([post]);
    await reader.write(post.post, statements);
    await Promise.all(effects.map((effect) => sendEffect(env, effect)));
  } catch (error) {
    console.warn("post not in D1 yet, the projector will write it", { post: post.post, error: String(error) });
  }
}

export type PostInFacts = Pick<PostFacts, "post" | "author" | "from" | "to" | "confirmed" | "body" | "standing"> & {
  commentsUpTo?: PostFacts["commentsUpTo"];
};

/**
 * Returns the statements for a post's row, its standing and its entry in the author's own feed, or those that end a
 * deleted post.
 */
function postStatements(facts: readonly PostInFacts[]): { statements: Statement[]; effects: Effect[] } {
  const bodies = facts.flatMap(({ post, author, body, standing }) =>
    body && !standing.deleted
      ? [[post, author, body.caption, JSON.stringify(body.media), body.seq, body.editedAt]]
      : [],
  );
  const ends = facts.flatMap(({ post, author, body, standing }) =>
    body && standing.deleted ? [endOf(post, author, body)] : [],
  );
  const standings = runsOf(facts).map(({ post, from, to, confirmed, standing, commentsUpTo = "" }) => [
    post,
    standing.likes,
    standing.comments,
    standing.seq,
    standing.bodySeq,
    standing.policy,
    standing.pinned,
    Number(standing.deleted),
    from,
    to,
    confirmed,
    commentsUpTo,
  ]);
  return {
    statements: [
      ...setBased(UPSERT_POSTS, bodies),
      ...setBased(OWN_FEED, bodies),
      ...setBased(ATTACH_MEDIA, bodies),
      ...ends.flatMap((end) => end.statements),
      ...setBased(UPSERT_STATS, standings),
    ],
    effects: ends.map((end) => end.effect),
  };
}

/**
 * Merges facts of a post that follow each other without a gap, because a statement sees the rows from before it, not
 * those it adds itself.
 */
function runsOf(facts: readonly PostInFacts[]): PostInFacts[] {
  const runs: PostInFacts[] = [];
  for (const fact of facts.toSorted((a, b) => a.post.localeCompare(b.post) || a.from - b.from)) {
    const run = runs.at(-1);
    if (run?.post !== fact.post || fact.from > run.to + 1) runs.push({ ...fact });
    else {
      const { standing, confirmed } = run;
      if (fact.to > run.to) Object.assign(run, { to: fact.to, commentsUpTo: fact.commentsUpTo });
      if (fact.standing.seq > standing.seq) run.standing = fact.standing;
      run.confirmed = Math.max(confirmed, fact.confirmed);
    }
  }
  return runs;
}

const commentRows = ({ post, comments }: PostFacts) =>
  comments.map((comment) => [
    post,
    comment.parent,
    comment.id,
    comment.author,
    comment.text,
    comment.replyTo,
    comment.likes,
    comment.replies,
    comment.hiddenReplies,
    comment.state,
    comment.editedAt,
    comment.seq,
  ]);

/** Confirms facts to their actors. An unconfirmed actor sends its facts again, so a failure here needs no retry. */
async function confirm(env: Env, facts: readonly PostFacts[], isAnnounced: boolean): Promise<void> {
  const inOrder = [...facts].sort((a, b) => a.from - b.from);
  for (const { post, from, to, notices } of inOrder) {
    try {
      const noticed = notices && isAnnounced ? { from: notices.from, to: notices.to } : undefined;
      await env.POSTS.getByName(post).confirmProjected(from, to, noticed);
    } catch (error) {
      console.warn("projection not confirmed, its actor will send its facts again", { post, error: String(error) });
    }
  }
}

// Keeps late facts from bringing a deleted post back.
const NOT_GONE = "LEFT JOIN post_stats AS known ON known.post = value ->> 0 WHERE coalesce(known.deleted, 0) = 0";

const UPSERT_POSTS = `
  INSERT INTO posts (id, author, caption, media, seq, edited_at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?1) ${NOT_GONE}
  ON CONFLICT DO UPDATE SET
    caption = excluded.caption, media = excluded.media, seq = excluded.seq, edited_at = excluded.edited_at
  WHERE excluded.seq > seq`;

const OWN_FEED = `
  INSERT INTO feed (reader, post, author)
  SELECT value ->> 1, value ->> 0, value ->> 1 FROM json_each(?1) ${NOT_GONE}
  ON CONFLICT DO NOTHING`;

// Keeps the collector from a file that a post shows. Nearly always the post has claimed it before
// (workers/media/claims.ts).
const ATTACH_MEDIA = `
  UPDATE media SET look_at = NULL, claimed_by = coalesce(claimed_by, shown.post)
  FROM (
    SELECT bodies.value ->> 0 AS post, file.value ->> 'id' AS media
    FROM json_each(?1) AS bodies JOIN json_each(bodies.value ->> 3) AS file
    LEFT JOIN post_stats AS known ON known.post = bodies.value ->> 0 WHERE coalesce(known.deleted, 0) = 0
  ) AS shown
  WHERE media.id = shown.media AND state = 'ready' AND look_at IS NOT NULL`;

const STANDING = ["likes", "comments", "seq", "body_seq", "policy", "pinned", "deleted"];

// `projected` and `comments_up_to` advance only if the facts begin where `projected` ends, by D1 or by what the actor
// has had confirmed: never over a gap.
const UPSERT_STATS = `
  INSERT INTO post_stats (post, ${STANDING.join(", ")}, projected, comments_up_to)
  SELECT post, ${STANDING.join(", ")}, iif("from" <= here + 1, max("to", here), here), iif("from" <= here + 1, whole, '')
  FROM (
    SELECT value ->> 0 AS post, value ->> 1 AS likes, value ->> 2 AS comments, value ->> 3 AS seq,
      value ->> 4 AS body_seq, value ->> 5 AS policy, value ->> 6 AS pinned, value ->> 7 AS deleted,
      value ->> 8 AS "from", value ->> 9 AS "to", max(value ->> 10, coalesce(known.projected, 0)) AS here,
      value ->> 11 AS whole
    FROM json_each(?1) LEFT JOIN post_stats AS known ON known.post = value ->> 0 ORDER BY "from")
  WHERE true
  ON CONFLICT DO UPDATE SET
    projected = max(projected, excluded.projected), comments_up_to = max(comments_up_to, excluded.comments_up_to),
    ${STANDING.map((column) => `${column} = iif(excluded.seq > seq, excluded.${column}, ${column})`).join(", ")}
  WHERE excluded.seq > seq OR excluded.projected > projected OR excluded.comments_up_to > comments_up_to`;

const UPSERT_COMMENTS = `
  INSERT INTO comments (post, parent, id, author, text, reply_to, likes, replies, hidden_replies, state,
    edited_at, seq)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11
  FROM json_each(?1) ${NOT_GONE}
  ON CONFLICT DO UPDATE SET text = excluded.text, likes = excluded.likes, replies = excluded.replies,
    hidden_replies = excluded.hidden_replies,
    state = excluded.state, edited_at = excluded.edited_at, seq = excluded.seq
  WHERE excluded.seq > seq`;
