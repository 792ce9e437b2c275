/**
 * What a person answers to who asks to follow them, or follows them already. The answer is a fact of theirs, one to what the
 * follower has `asked`, and what follows from it happens in the follower's shard: the request becomes a follow, or either
 * of them ends. By then the follower may have taken it back, or asked anew: then it is an answer to something that is over.
 */
import type { Effect } from "../../schema/messages/facts.ts";
import { IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { announce } from "../push/announce.ts";
import { type Unread, unreadStatements } from "../notifications/write-notifications.ts";
import { RAISED_ONCE_IN, toldAfter, uncounted } from "../notifications/follow-notifications.ts";
import { endFollow } from "./unfollow.ts";
import { isWantedSql } from "../notifications/notification-rules.ts";

/** `remove`: ends a follow. */
export type Answer = "accept" | "decline" | "remove";
export type AnswerEffect = Extract<Effect, { kind: "answer" }>;

/** Gives back the effect, which must be applied, if this has answered anything. One D1 batch; it may come again. */
export const answerRequest = (
  env: Env,
  follower: PersonId,
  followee: PersonId,
  answer: Answer,
): Promise<AnswerEffect | undefined> =>
  withFreshIds(async () => {
    const effect: AnswerEffect = newEffect(followee, { kind: "answer", follower, followee });
    const database = databaseOf(env, followee);
    const pair = { follower, followee };
    const key = [followee, String(shardOf(follower)), follower];
    const [saved] = await database.batch([
      saveEffectIf(env, effect, `EXISTS (SELECT 1 FROM followers WHERE ${HERE(4)} AND ${ANSWERABLE[answer]})`, key),
      ...(answer === "remove" ? [uncounted(database, pair)] : []),
      database.prepare(`${ANSWERS[answer]} WHERE ${HERE(1)} AND ${ANSWERABLE[answer]}`).bind(...key),
      ...toldAfter(database, followee, null),
    ]);
    return saved && saved.meta.changes > 0 ? effect : undefined;
  });

const HERE = (first: number): string =>
  `followee = ?${first} AND follower_shard = ?${first + 1} AND follower = ?${first + 2}`;

/** SQL over a row of `followers`. A follow that was accepted may not be mirrored yet. */
const ANSWERABLE: Record<Answer, string> = {
  accept: `pending = 1 AND NOT EXISTS (
    SELECT 1 FROM blocks WHERE person = followee AND other = follower AND ${IS_ACTIVE})`,
  decline: "pending = 1",
  remove: "(active = 1 OR (accepted = 1 AND answered = asked))",
};

// The mirror of a follow that is removed ends here and now; the truth, when it comes, says the same.
const ANSWERS: Record<Answer, string> = {
  accept: "UPDATE followers SET answered = asked, accepted = 1, pending = 0",
  decline: "UPDATE followers SET answered = asked, accepted = 0, pending = 0",
  remove: "UPDATE followers SET answered = asked, accepted = 0, active = 0, told_in = NULL",
};

/**
 * Costs one D1 query for the answer, one batch for the follower, and one to be done. It may run again, late, or at the same
 * time as another one of the same pair: an answer applies to what was asked, once, and a no after a yes holds in any order.
 */
export async function applyAnswer(env: Env, effect: AnswerEffect): Promise<void> {
  const { follower, followee } = effect;
  const answer = await databaseOf(env, followee)
    .prepare(`SELECT answered, accepted FROM followers WHERE ${HERE(1)} AND answered >= 0`)
    .bind(followee, shardOf(follower), follower)
    .first<{ answered: number; accepted: 0 | 1 }>();
  if (answer) {
    await withFreshIds(() => (answer.accepted ? begin : end)(env, follower, followee, answer.answered));
  }
  await effectDone(env, effect.id);
}

async function begin(env: Env, follower: PersonId, followee: PersonId, asked: number): Promise<void> {
  const database = databaseOf(env, follower);
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  const told = [{ recipient: follower, kind: "request_accepted", subject: followee } as const];
  const [saved, , , unread] = await database.batch([
    saveEffectIf(
      env,
      effect,
      `EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND ${STANDS(6)})`,
      [follower, followee, String(asked)],
    ),
    database.prepare(TELL).bind(follower, followee, asked, Date.now(), RAISED_ONCE_IN),
    database.prepare(`${BEGIN} AND ${STANDS(3)}`).bind(follower, followee, asked),
    ...unreadStatements(database, told),
  ]);
  await announce(env, (unread?.results ?? []) as Unread[]);
  if (saved && saved.meta.changes > 0) await sendEffect(env, effect);
}

async function end(env: Env, follower: PersonId, followee: PersonId, asked: number): Promise<void> {
  const { effect, statements } = endFollow(env, follower, followee, `asked = ${asked}`);
  const [saved] = await databaseOf(env, follower).batch(statements);
  if (saved && saved.meta.changes > 0) await sendEffect(env, effect);
}

/** SQL over a row of `following`: it still waits for this answer, and nothing stands between the two. */
const STANDS = (asked: number): string => `requested = 1 AND asked = CAST(?${asked} AS INTEGER) AND NOT EXISTS (
  SELECT 1 FROM blocks WHERE person = follower AND other = followee AND ${IS_ACTIVE})`;

const BEGIN = `
  UPDATE following SET active = 1, requested = 0, version = version + 1 WHERE follower = ?1 AND followee = ?2`;

// Before the follow begins, because it asks whether it is about to.
const TELL = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
  SELECT follower, 'request_accepted', followee, json_array(followee), 1, asked, ?4, ?4 FROM following
  WHERE follower = ?1 AND followee = ?2 AND ${STANDS(3)}
  AND ${isWantedSql({ recipient: "?1", kind: "'request_accepted'", actor: "?2", post: "NULL" })}
  ON CONFLICT DO UPDATE SET version = excluded.version, raised = max(raised + 1, excluded.raised), at = excluded.at
  WHERE at <= excluded.at - ?5`;
