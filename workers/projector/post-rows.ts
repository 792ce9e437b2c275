/**
 * Writes the rows of posts, all in the database of the post: its body, standing and comments, and its entry in the
 * author's own feed. Every statement is set-based and guards each row by its `seq`, so facts may arrive twice, late or
 * out of order.
 */
import { aliasedTable, type SQL, sql } from "drizzle-orm";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Statement } from "../../schema/d1/database.ts";
import { newCaseSql } from "../../schema/d1/new-case.ts";
import { setBased } from "../../schema/d1/set-based.ts";
import { bare, excluded, fieldsOf, list, literal, rowsOf, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PostFacts } from "../../schema/messages/facts.ts";
import { timeOf } from "../../schema/ids.ts";
import type { PostMedia } from "../../schema/posts.ts";
import { comments, feed, media, posts, postStats } from "../../schema/tables/posts.ts";
import { logWarning } from "../../schema/log.ts";
import { sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import type { Reader } from "../storage/reader.ts";
import { endOf } from "./erase.ts";

/** What facts say about the post itself. */
export type PostUpdate = Pick<PostFacts, "post" | "author" | "from" | "to" | "confirmed" | "body" | "standing"> & {
  commentsUpTo?: PostFacts["commentsUpTo"];
  noticed?: PostFacts["noticed"];
  /** The notices that are in D1. */
  notices?: Pick<NonNullable<PostFacts["notices"]>, "from" | "to"> | undefined;
};

/**
 * Projects a change to the post itself within the request that makes it, so that it is visible at once. A failure is
 * only logged, because the projector will write the change too. Costs one D1 batch.
 */
export async function projectAtOnce(reader: Reader, update: PostUpdate): Promise<void> {
  const { post } = update;
  try {
    const effects = await withFreshIds(async () => {
      const { statements, effects } = postStatements([update]);
      await reader.write(post, statements);
      return effects;
    });
    await Promise.all(effects.map((effect) => sendEffect(reader.env, effect)));
  } catch (error) {
    logWarning("post not in D1 yet, the projector will write it", { post, error: String(error) });
  }
}

/**
 * Returns the statements for each post's row, its standing and its entry in the author's own feed, or those that end a
 * deleted post. The effects are to be sent after the batch.
 */
export function postStatements(updates: readonly PostUpdate[]): { statements: Statement[]; effects: Effect[] } {
  const bodies = updates.flatMap(({ post, author, body, standing }): BodyRow[] =>
    body && !standing.deleted ? [{ id: post, author, ...body }] : [],
  );
  const ends = updates.flatMap(({ post, author, body, standing }) =>
    body && standing.deleted ? [endOf(post, author, body)] : [],
  );
  const standings = mergeRuns(updates).map(
    ({ post, standing, from, to, confirmed, commentsUpTo = "", noticed = 0, notices }): StandingRow => ({
      post,
      ...standing,
      from,
      to,
      confirmed,
      commentsUpTo,
      noticed,
      noticesFrom: notices?.from ?? 0,
      noticesTo: notices?.to ?? 0,
    }),
  );
  return {
    statements: [
      ...setBased(UPSERT_POSTS, bodies),
      ...setBased(OWN_FEED, bodies),
      ...setBased(ATTACH_MEDIA, bodies),
      ...ends.flatMap((end) => end.statements),
      ...setBased(UPSERT_STATS, standings),
    ],
    effects: ends.flatMap((end) => end.effects),
  };
}

/**
 * Returns the statements that write the comments of facts. Writes one row per comment, and two for one that a filter holds
 * for moderators: the case is written with the comment, so that it waits wherever the comment is hidden.
 */
export function commentStatements(facts: readonly Pick<PostFacts, "post" | "comments">[]): Statement[] {
  const rows = facts.flatMap((fact) => fact.comments.map((comment): CommentRow => ({ post: fact.post, ...comment })));
  const held = facts.flatMap(({ post, comments: changed }) =>
    changed.flatMap(({ id, parent, author, text, review }) =>
      review ? [{ id, post, parent, author, content: JSON.stringify({ text }), at: timeOf(id) }] : [],
    ),
  );
  return [...setBased(UPSERT_COMMENTS, rows), ...setBased(HELD, held)];
}

const held = fieldsOf<{ id: string; post: string; parent: string; author: string; content: string; at: number }>();
const HELD = textOf(
  newCaseSql(sql`
    SELECT ${held("id")}, 'comment', ${held("post")}, ${held("parent")}, ${held("author")}, ${held("content")},
      ${held("at")}, 1, 1
    FROM json_each(?1)`),
);

/**
 * Merges updates of a post that follow each other without a gap, because a statement sees the rows from before it, not
 * those it adds itself.
 */
function mergeRuns(updates: readonly PostUpdate[]): PostUpdate[] {
  const runs: PostUpdate[] = [];
  for (const update of updates.toSorted((a, b) => a.post.localeCompare(b.post) || a.from - b.from)) {
    const run = runs.at(-1);
    if (run?.post !== update.post || update.from > run.to + 1) runs.push({ ...update });
    else {
      const { standing, confirmed, commentsUpTo = "" } = run;
      run.to = Math.max(run.to, update.to);
      if (update.commentsUpTo && update.commentsUpTo > commentsUpTo) run.commentsUpTo = update.commentsUpTo;
      if (update.standing.seq > standing.seq) run.standing = update.standing;
      run.confirmed = Math.max(confirmed, update.confirmed);
      run.noticed = Math.max(run.noticed ?? 0, update.noticed ?? 0);
      run.notices = joined(run.notices, update.notices);
    }
  }
  return runs;
}

/** Joins two ranges of notices. One that begins after a gap is left out: the actor sends it again. */
function joined(first: PostUpdate["notices"], second: PostUpdate["notices"]): PostUpdate["notices"] {
  if (!first || !second) return first ?? second;
  const [earlier, later] = first.from <= second.from ? [first, second] : [second, first];
  return { from: earlier.from, to: later.from <= earlier.to + 1 ? Math.max(earlier.to, later.to) : earlier.to };
}

const BODIES = rowsOf(posts, ["id", "author", "caption", "media", "seq", "editedAt"], "body.value");
type BodyRow = typeof BODIES.Row;

const known = aliasedTable(postStats, "known");

// Keeps late facts from bringing a deleted post back.
const notGone = (post: SQL): SQL =>
  sql`LEFT JOIN ${postStats} AS ${known} ON ${known.post} = ${post} WHERE coalesce(${known.deleted}, 0) = 0`;

const UPSERT_POSTS = textOf(sql`
  INSERT INTO ${posts} (${BODIES.columns})
  SELECT ${BODIES.values} FROM json_each(?1) AS body ${notGone(BODIES.value("id"))}
  ON CONFLICT DO UPDATE SET ${takeExcluded(posts.caption, posts.media, posts.seq, posts.editedAt)}
  WHERE ${excluded(posts.seq)} > ${posts.seq}`);

const OWN_FEED = textOf(sql`
  INSERT INTO ${feed} (${list(feed.reader, feed.post, feed.author)})
  SELECT ${BODIES.value("author")}, ${BODIES.value("id")}, ${BODIES.value("author")}
  FROM json_each(?1) AS body ${notGone(BODIES.value("id"))}
  ON CONFLICT DO NOTHING`);

const file = fieldsOf<PostMedia>("file.value");
const READY = literal("ready" satisfies (typeof media.$inferSelect)["state"]);

// Keeps the collector from a file that a post shows. Nearly always the post has claimed it before
// (workers/media/claims.ts).
const ATTACH_MEDIA = textOf(sql`
  UPDATE ${media}
  SET ${bare(media.lookAt)} = NULL, ${bare(media.claimedBy)} = coalesce(${media.claimedBy}, shown.post)
  FROM (
    SELECT ${BODIES.value("id")} AS post, ${file("id")} AS media
    FROM json_each(?1) AS body JOIN json_each(${BODIES.value("media")}) AS file ${notGone(BODIES.value("id"))}
  ) AS shown
  WHERE ${media.id} = shown.media AND ${media.state} = ${READY} AND ${media.lookAt} IS NOT NULL`);

const STANDINGS = rowsOf(postStats, [
  "post",
  "likes",
  "comments",
  "seq",
  "bodySeq",
  "policy",
  "pinned",
  "deleted",
  "takenDown",
]);
type StandingRow = typeof STANDINGS.Row &
  Pick<PostFacts, "from" | "to" | "confirmed"> & {
    commentsUpTo: PostFacts["commentsUpTo"];
    noticed: number;
    noticesFrom: number;
    noticesTo: number;
  };
const field = fieldsOf<StandingRow>();

const takeIfNewer = (...columns: readonly AnySQLiteColumn[]): SQL =>
  sql.join(
    columns.map(
      (column) =>
        sql`${bare(column)} = iif(${excluded(postStats.seq)} > ${postStats.seq}, ${excluded(column)}, ${column})`,
    ),
    sql`, `,
  );
const takeGreater = (column: AnySQLiteColumn): SQL => sql`${bare(column)} = max(${column}, ${excluded(column)})`;

// `projected` and `commentsUpTo` advance only if the facts begin where `projected` ends, by D1 or by what the actor
// knows: never over a gap. `noticed` likewise, with the notices.
const UPSERT_STATS = textOf(sql`
  INSERT INTO ${postStats} (${STANDINGS.columns}, ${list(postStats.projected, postStats.noticed, postStats.commentsUpTo)})
  SELECT ${STANDINGS.values},
    iif(${field("from")} <= here + 1, max(${field("to")}, here), here),
    iif(${field("noticesFrom")} <= noticed_here + 1, max(${field("noticesTo")}, noticed_here), noticed_here),
    iif(${field("from")} <= here + 1, ${field("commentsUpTo")}, '')
  FROM (
    SELECT value, max(${field("confirmed")}, coalesce(${known.projected}, 0)) AS here,
      max(${field("noticed")}, coalesce(${known.noticed}, 0)) AS noticed_here
    FROM json_each(?1) LEFT JOIN ${postStats} AS ${known} ON ${known.post} = ${STANDINGS.value("post")}
    ORDER BY ${field("from")})
  WHERE true
  ON CONFLICT DO UPDATE SET
    ${takeGreater(postStats.projected)}, ${takeGreater(postStats.noticed)}, ${takeGreater(postStats.commentsUpTo)},
    ${takeIfNewer(
      postStats.likes,
      postStats.comments,
      postStats.seq,
      postStats.bodySeq,
      postStats.policy,
      postStats.pinned,
      postStats.deleted,
      postStats.takenDown,
    )}
  WHERE ${excluded(postStats.seq)} > ${postStats.seq}
    OR ${excluded(postStats.projected)} > ${postStats.projected}
    OR ${excluded(postStats.noticed)} > ${postStats.noticed}
    OR ${excluded(postStats.commentsUpTo)} > ${postStats.commentsUpTo}`);

const COMMENTS = rowsOf(comments, [
  "post",
  "parent",
  "id",
  "author",
  "text",
  "replyTo",
  "likes",
  "replies",
  "hiddenReplies",
  "state",
  "editedAt",
  "seq",
]);
type CommentRow = typeof COMMENTS.Row;

const UPSERT_COMMENTS = textOf(sql`
  INSERT INTO ${comments} (${COMMENTS.columns})
  SELECT ${COMMENTS.values} FROM json_each(?1) ${notGone(COMMENTS.value("post"))}
  ON CONFLICT DO UPDATE SET ${takeExcluded(
    comments.text,
    comments.likes,
    comments.replies,
    comments.hiddenReplies,
    comments.state,
    comments.editedAt,
    comments.seq,
  )}
  WHERE ${excluded(comments.seq)} > ${comments.seq}`);
