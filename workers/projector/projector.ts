/**
 * Post facts -> D1. Every statement is set-based and guards each row by its `seq`, so any message may come again, late
 * or out of order. Cost of a batch: two D1 batches a database, of 7 statements together, however many likes it
 * carries, and one call to each post's actor.
 */
import { type Effect, PostFacts } from "../../schema/messages/facts.ts";
import { byDatabase, databaseOf } from "../../schema/d1/shards.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { announce } from "../push/announce.ts";
import { trimmedInboxes } from "../notifications/inbox-bound.ts";
import { tellStatements, type Unread, unreadStatements } from "../notifications/write-notifications.ts";
import { sendEffect } from "../storage/effects.ts";
import { delivered } from "../operations/delivered.ts";
import { dropPost } from "../reads/documents.ts";
import { timelines } from "../feeds/timelines.ts";
import type { Reader } from "../storage/reader.ts";
import { consumeTogether } from "../operations/consume.ts";
import { endOf } from "./erase.ts";
import { commentLikeStatements, likeStatements, newestLikes } from "./likes.ts";

export const consumeFacts = (batch: MessageBatch, env: Env): Promise<void> =>
  consumeTogether(batch, env, PostFacts, (facts) => project(env, facts));

/** Applies the facts, tells those whom they concern, then confirms them to their actors. A repetition changes nothing. */
export async function project(env: Env, facts: readonly PostFacts[]): Promise<void> {
  const unread = await writePeoplesParts(env, facts);
  // After the likes, which may lie in other databases: a reader who finds the `seq` of their like must find the like too.
  const posts = byDatabase(env, facts, ({ post }) => post);
  await Promise.all(
    [...posts].map(async ([database, group]) => {
      const comments = setBased(database, UPSERT_COMMENTS, group.flatMap(commentRows));
      const { statements, effects } = postStatements(env, database, group);
      await database.batch([...comments, ...statements]);
      await Promise.all(effects.map((effect) => sendEffect(env, effect)));
    }),
  );
  for (const { post, author } of facts) {
    dropPost(post);
    timelines.drop(author);
  }
  // While devices cannot be told, the actors go on telling people.
  await confirm(env, facts, await announce(env, unread));
}

/** What people like, and what they are told: a D1 batch for each of their databases. Gives back what stands unread. */
async function writePeoplesParts(env: Env, facts: readonly PostFacts[]): Promise<Unread[]> {
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
    const told = notices.get(database) ?? [];
    const tellings = tellStatements(database, told);
    const statements = [
      ...tellings,
      ...likeStatements(database, likes.get(database) ?? []),
      ...commentLikeStatements(database, commentLikes.get(database) ?? []),
      ...trimmedInboxes(
        database,
        told.map(({ recipient }) => recipient),
      ),
    ];
    const results = await database.batch<Unread>([...statements, ...unreadStatements(database, told)]);
    delivered("notifications", ...results.slice(0, tellings.length));
    return results.slice(statements.length).flatMap(({ results: rows }) => rows);
  });
  return (await Promise.all(written)).flat();
}

/** What a request that changes the post itself writes as well, so that it is seen at once. */
export async function projectAtOnce(reader: Reader, post: PostInFacts): Promise<void> {
  const { env } = reader;
  try {
    const { statements, effects } = postStatements(env, databaseOf(env, post.post), [post]);
    await reader.write(post.post, statements);
    await Promise.all(effects.map((effect) => sendEffect(env, effect)));
  } catch (error) {
    console.warn("post not in D1 yet, the projector will write it", { post: post.post, error: String(error) });
  }
}

export type PostInFacts = Pick<PostFacts, "post" | "author" | "from" | "to" | "confirmed" | "body" | "standing"> & {
  commentsUpTo?: PostFacts["commentsUpTo"];
};

/** A post's row and where it stands, and its place in its author's own feed; of one that is gone, its end. */
function postStatements(
  env: Env,
  database: D1Database,
  facts: readonly PostInFacts[],
): { statements: D1PreparedStatement[]; effects: Effect[] } {
  const bodies = facts.flatMap(({ post, author, body, standing }) =>
    body && !standing.deleted
      ? [[post, author, body.caption, JSON.stringify(body.media), body.seq, body.editedAt]]
      : [],
  );
  const ends = facts.flatMap(({ post, author, body, standing }) =>
    body && standing.deleted ? [endOf(env, database, post, author, body)] : [],
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
      ...setBased(database, UPSERT_POSTS, bodies),
      ...setBased(database, OWN_FEED, bodies),
      ...setBased(database, ATTACH_MEDIA, bodies),
      ...ends.flatMap((end) => end.statements),
      ...setBased(database, UPSERT_STATS, standings),
    ],
    effects: ends.map((end) => end.effect),
  };
}

/** Of each post, what comes without a gap as one: a statement knows what was there before it, not what it adds itself. */
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

/** An actor that is not told sends its facts again, so a failure here costs a repetition and is no reason for a retry. */
async function confirm(env: Env, facts: readonly PostFacts[], told: boolean): Promise<void> {
  const inOrder = [...facts].sort((a, b) => a.from - b.from);
  for (const { post, from, to, notices } of inOrder) {
    try {
      const noticed = notices && told ? { from: notices.from, to: notices.to } : undefined;
      await env.POSTS.getByName(post).confirmProjected(from, to, noticed);
    } catch (error) {
      console.warn("projection not confirmed, its actor will ask again", { post, error: String(error) });
    }
  }
}

// Whatever comes late of a post that is gone finds that it is.
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

// What a post shows is not collected. Nearly always the post has claimed it before (workers/media/claims.ts).
const ATTACH_MEDIA = `
  UPDATE media SET look_at = NULL, claimed_by = coalesce(claimed_by, shown.post)
  FROM (
    SELECT bodies.value ->> 0 AS post, file.value ->> 'id' AS media
    FROM json_each(?1) AS bodies JOIN json_each(bodies.value ->> 3) AS file
    LEFT JOIN post_stats AS known ON known.post = bodies.value ->> 0 WHERE coalesce(known.deleted, 0) = 0
  ) AS shown
  WHERE media.id = shown.media AND state = 'ready' AND look_at IS NOT NULL`;

const STANDING = ["likes", "comments", "seq", "body_seq", "policy", "pinned", "deleted"];

// `projected` and what is whole move on when the message begins where they end, or where the actor knows that they end:
// never over a gap.
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
