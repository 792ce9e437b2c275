/**
 * A person's decisions about follow requests and followers. The decision is a fact in their own shard and refers to the
 * request by its `asked` version. Its effect then runs in the follower's shard: the request becomes a follow, or the
 * request or follow ends. If the follower has withdrawn or renewed the request by then, the decision no longer applies.
 */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { deleteEffect, newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { announce } from "../push/announce.ts";
import { type UnreadNotification, unreadStatements } from "../notifications/write-notifications.ts";
import {
  RAISE_AGAIN_AFTER,
  refreshFollowerStatements,
  uncountFollowerStatement,
} from "../notifications/follow-notifications.ts";
import { endFollowStatements } from "./unfollow.ts";
import { kindSql, wantsNotificationSql } from "../notifications/notification-rules.ts";

/** `accept` and `decline` decide a request; `remove` ends a follow. */
export type Decision = "accept" | "decline" | "remove";
export type DecisionEffect = Extract<Effect, { kind: "answer" }>;

/**
 * Stores a decision. Returns its effect, which the caller must apply, or undefined if there was nothing to decide.
 * Costs one D1 batch; repeating it is harmless.
 */
export const saveDecision = (
  env: Env,
  follower: PersonId,
  followee: PersonId,
  answer: Decision,
): Promise<DecisionEffect | undefined> =>
  withFreshIds(async () => {
    const effect: DecisionEffect = newEffect(followee, { kind: "answer", follower, followee });
    const database = databaseOf(env, followee);
    const pair = { follower, followee };
    const key = [followee, String(shardOf(follower)), follower];
    const [saved] = await database.patient.batch([
      saveEffectIf(effect, `EXISTS (SELECT 1 FROM followers WHERE ${HERE(4)} AND ${ANSWERABLE[answer]})`, key),
      ...(answer === "remove" ? [uncountFollowerStatement(pair)] : []),
      statement(`${ANSWERS[answer]} WHERE ${HERE(1)} AND ${ANSWERABLE[answer]}`, ...key),
      ...refreshFollowerStatements(followee, null),
    ]);
    return saved && saved.changes > 0 ? effect : undefined;
  });

const HERE = (first: number): string =>
  `followee = ?${first} AND follower_shard = ?${first + 1} AND follower = ?${first + 2}`;

/** SQL over a row of `followers`: whether the decision applies. An accepted follow may not be mirrored yet. */
const ANSWERABLE: Record<Decision, string> = {
  accept: `pending = 1 AND NOT EXISTS (
    SELECT 1 FROM blocks WHERE person = followee AND other = follower AND ${textOf(IS_ACTIVE)})`,
  decline: "pending = 1",
  remove: "(active = 1 OR (accepted = 1 AND answered = asked))",
};

// Removing a follower ends the mirrored follow at once; the fact in the follower's shard will agree when it is
// mirrored.
const ANSWERS: Record<Decision, string> = {
  accept: "UPDATE followers SET answered = asked, accepted = 1, pending = 0",
  decline: "UPDATE followers SET answered = asked, accepted = 0, pending = 0",
  remove: "UPDATE followers SET answered = asked, accepted = 0, active = 0, told_in = NULL",
};

/**
 * Applies a decision in the follower's shard. Costs one D1 query for the decision, one batch for the follower, and one
 * query to mark the effect as done. It may run repeatedly, late, or concurrently with another effect of the same pair:
 * a decision applies once, to the request it was made for, and a refusal after an acceptance wins in any order.
 */
export async function applyDecision(env: Env, effect: DecisionEffect): Promise<void> {
  const { follower, followee } = effect;
  const answer = await databaseOf(env, followee).patient.first<{ answered: number; accepted: 0 | 1 }>(
    `SELECT answered, accepted FROM followers WHERE ${HERE(1)} AND answered >= 0`,
    followee,
    shardOf(follower),
    follower,
  );
  if (answer) {
    await withFreshIds(() => (answer.accepted ? beginFollow : end)(env, follower, followee, answer.answered));
  }
  await deleteEffect(env, effect.id);
}

async function beginFollow(env: Env, follower: PersonId, followee: PersonId, asked: number): Promise<void> {
  const database = databaseOf(env, follower);
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  const notifications = [{ recipient: follower, kind: "request_accepted", subject: followee } as const];
  const [saved, , , unread] = await database.patient.batch([
    saveEffectIf(
      effect,
      `EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND ${AWAITS_DECISION(6)})`,
      [follower, followee, String(asked)],
    ),
    statement(NOTIFY, follower, followee, asked, Date.now(), RAISE_AGAIN_AFTER),
    statement(`${BEGIN} AND ${AWAITS_DECISION(3)}`, follower, followee, asked),
    ...unreadStatements(notifications),
  ]);
  await announce(env, (unread?.rows ?? []) as UnreadNotification[]);
  if (saved && saved.changes > 0) await sendEffect(env, effect);
}

async function end(env: Env, follower: PersonId, followee: PersonId, asked: number): Promise<void> {
  const { effect, statements } = endFollowStatements(follower, followee, `asked = ${asked}`);
  const [saved] = await databaseOf(env, follower).patient.batch(statements);
  if (saved && saved.changes > 0) await sendEffect(env, effect);
}

/** SQL over a row of `following`: whether the request still waits for this decision and no block is between the two. */
const AWAITS_DECISION = (
  asked: number,
): string => `requested = 1 AND asked = CAST(?${asked} AS INTEGER) AND NOT EXISTS (
  SELECT 1 FROM blocks WHERE person = follower AND other = followee AND ${textOf(IS_ACTIVE)})`;

const BEGIN = `
  UPDATE following SET active = 1, requested = 0, version = version + 1 WHERE follower = ?1 AND followee = ?2`;

// Runs before BEGIN, whose condition it shares.
const NOTIFY = `
  INSERT INTO notifications (recipient, kind, subject, actors, count, version, raised, at)
  SELECT follower, 'request_accepted', followee, json_array(followee), 1, asked, ?4, ?4 FROM following
  WHERE follower = ?1 AND followee = ?2 AND ${AWAITS_DECISION(3)}
  AND ${textOf(
    wantsNotificationSql({
      recipient: sql`?1`,
      kind: kindSql("request_accepted"),
      actor: sql`?2`,
      post: sql`NULL`,
    }),
  )}
  ON CONFLICT DO UPDATE SET version = excluded.version, raised = max(raised + 1, excluded.raised), at = excluded.at
  WHERE at <= excluded.at - ?5`;
