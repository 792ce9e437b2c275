/**
 * Projects post facts to D1. Every statement is set-based and guards each row by its `seq`, so messages may arrive
 * twice, late or out of order. A batch of messages costs two D1 batches per database, of at most 11 statements together
 * (2 more for each deleted post) however many likes it carries, and one call to each post's actor.
 */
import { PostFacts } from "../../schema/messages/facts.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import { logWarning } from "../../schema/log.ts";
import { announce } from "../push/announce.ts";
import { trimInboxStatements } from "../notifications/inbox-limit.ts";
import {
  notificationStatements,
  type UnreadNotification,
  unreadStatements,
} from "../notifications/write-notifications.ts";
import { sendEffect } from "../storage/effects.ts";
import { countDelivered } from "../operations/count-delivered.ts";
import { dropPost } from "../reads/stored-posts.ts";
import { timelines } from "../feeds/timelines.ts";
import { consumeBatch } from "../operations/consume.ts";
import { commentLikeStatements, likeStatements, newestLikes } from "./likes.ts";
import { commentStatements, postStatements } from "./post-rows.ts";

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
      const { statements, effects } = postStatements(group);
      await database.patient.batch([...commentStatements(group), ...statements]);
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

/** Confirms facts to their actors. An unconfirmed actor sends its facts again, so a failure here needs no retry. */
async function confirm(env: Env, facts: readonly PostFacts[], isAnnounced: boolean): Promise<void> {
  const inOrder = [...facts].sort((a, b) => a.from - b.from);
  for (const { post, from, to, notices } of inOrder) {
    try {
      const noticed = notices && isAnnounced ? { from: notices.from, to: notices.to } : undefined;
      await env.POSTS.getByName(post).confirmProjected(from, to, noticed);
    } catch (error) {
      logWarning("projection not confirmed, its actor will send its facts again", { post, error: String(error) });
    }
  }
}
