/**
 * Projects post facts to D1. Every statement is set-based and guards each row by its `seq`, so messages may arrive
 * twice, late or out of order. A batch of messages costs two D1 batches per database, of at most 11 statements together
 * (3 more for each deleted post) however many likes it carries. D1 notes up to which `seq` of a post it has everything,
 * and the post's actor asks D1, so nothing is confirmed by a call.
 */
import { PostFacts } from "../../schema/messages/facts.ts";
import { privateAmong } from "../../schema/d1/private-accounts.ts";
import { byDatabase } from "../../schema/d1/shards.ts";
import type { PersonId } from "../../schema/ids.ts";
import { announce } from "../push/announce.ts";
import { trimInboxStatements } from "../notifications/inbox-limit.ts";
import {
  notificationStatements,
  type PostNotice,
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
 * Writes the facts to D1, and notifies the people they concern. Repeating it changes nothing.
 */
export async function project(env: Env, facts: readonly PostFacts[]): Promise<void> {
  const unread = await writePeoplesParts(env, facts);
  // Notices do not count as written if pushes could not be queued, so the actors send them again.
  const isAnnounced = await announce(env, unread);
  const updates = isAnnounced ? facts : facts.map((fact) => ({ ...fact, notices: undefined }));
  // Posts come after likes, which may be in other databases: a reader who finds the `seq` of their like must find the
  // like.
  const posts = byDatabase(env, updates, ({ post }) => post);
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
}

/** Returns the notices of facts. Costs one D1 query for each database of authors of posts that others are told about. */
async function noticesOf(env: Env, facts: readonly PostFacts[]): Promise<PostNotice[]> {
  const all = facts.flatMap(({ author, notices }) => (notices?.list ?? []).map((notice) => ({ ...notice, author })));
  const authors = all.flatMap(({ author, recipient }) => (author === recipient ? [] : [author]));
  const privates = authors.length > 0 ? await privateAmong(env, authors) : new Set<PersonId>();
  return all.map((notice) => ({ ...notice, isPrivate: privates.has(notice.author) }));
}

/**
 * Writes likes and notifications, in one D1 batch for each database of their people. Returns the entries that are
 * unread.
 */
async function writePeoplesParts(env: Env, facts: readonly PostFacts[]): Promise<UnreadNotification[]> {
  const likes = byDatabase(env, newestLikes(facts), ({ person }) => person);
  const commentLikes = byDatabase(
    env,
    facts.flatMap(({ post, commentLikes }) => commentLikes.map((like) => ({ ...like, post }))),
    ({ person }) => person,
  );
  const notices = byDatabase(env, await noticesOf(env, facts), ({ recipient }) => recipient);
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
