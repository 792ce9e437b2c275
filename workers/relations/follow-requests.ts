/**
 * A person's decisions about follow requests and followers. The decision is a fact in their own shard and refers to the
 * request by its `asked` version. Its effect then runs in the follower's shard: the request becomes a follow, or the
 * request or follow ends. If the follower has withdrawn or renewed the request by then, the decision no longer applies.
 */
import { and, eq, gte, type SQL, sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { IS_ACTIVE } from "../../schema/d1/blocks.ts";
import { type PersonId, shardOf } from "../../schema/ids.ts";
import { exclusionMark } from "../../schema/d1/exclusion-marks.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { bare, excluded, list, literal, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { blocks, followers, following } from "../../schema/tables/people.ts";
import { deleteEffect, newEffect, saveEffectIf, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { announce } from "../push/announce.ts";
import { type UnreadNotification, unreadStatements } from "../notifications/write-notifications.ts";
import {
  RAISE_AGAIN_AFTER,
  refreshFollowerStatements,
  uncountFollowerStatement,
} from "../notifications/follow-notifications.ts";
import { endFollowStatements, ending } from "./unfollow.ts";
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
      saveEffectIf(effect, DECISIONS[answer].isDue, key),
      ...(answer === "remove" ? [uncountFollowerStatement(pair)] : []),
      statement(DECISIONS[answer].apply, ...key),
      ...refreshFollowerStatements(followee, null),
    ]);
    return saved && saved.changes > 0 ? effect : undefined;
  });

/**
 * The statement that stores a decision, and the condition of its effect, whose parameters begin at ?4. `isDue` is SQL
 * over a row of `followers`.
 */
const decision = (set: SQL, isDue: SQL): { isDue: string; apply: string } => ({
  isDue: textOf(sql`EXISTS (
    SELECT 1 FROM ${followers}
    WHERE ${followers.followee} = ?4 AND ${followers.followerShard} = ?5 AND ${followers.follower} = ?6 AND ${isDue})`),
  apply: textOf(sql`
    UPDATE ${followers} SET ${bare(followers.answered)} = ${followers.asked}, ${set}
    WHERE ${followers.followee} = ?1 AND ${followers.followerShard} = ?2 AND ${followers.follower} = ?3 AND ${isDue}`),
});

const IS_PENDING = sql`${followers.pending} = 1`;

const DECISIONS: Record<Decision, ReturnType<typeof decision>> = {
  accept: decision(
    sql`${bare(followers.accepted)} = 1, ${bare(followers.pending)} = 0`,
    sql`${IS_PENDING} AND NOT EXISTS (
      SELECT 1 FROM ${blocks}
      WHERE ${blocks.person} = ${followers.followee} AND ${blocks.other} = ${followers.follower}
      AND ${IS_ACTIVE})`,
  ),
  decline: decision(sql`${bare(followers.accepted)} = 0, ${bare(followers.pending)} = 0`, IS_PENDING),
  // Ends the mirrored follow at once; the fact in the follower's shard will agree when it is mirrored. An accepted
  // follow may not be mirrored yet.
  remove: decision(
    sql`${bare(followers.accepted)} = 0, ${bare(followers.active)} = 0, ${bare(followers.toldIn)} = NULL`,
    sql`(${followers.active} = 1 OR (${followers.accepted} = 1 AND ${followers.answered} = ${followers.asked}))`,
  ),
};

/**
 * Applies a decision in the follower's shard. Costs one D1 query for the decision, one batch for the follower, and one
 * query to mark the effect as done. It may run repeatedly, late, or concurrently with another effect of the same pair:
 * a decision applies once, to the request it was made for, and a refusal after an acceptance wins in any order.
 */
export async function applyDecision(env: Env, effect: DecisionEffect): Promise<void> {
  const { follower, followee } = effect;
  const answer = await databaseOf(env, followee)
    .patient.orm.select({ answered: followers.answered, accepted: followers.accepted })
    .from(followers)
    .where(
      and(
        eq(followers.followee, followee),
        eq(followers.followerShard, shardOf(follower)),
        eq(followers.follower, follower),
        gte(followers.answered, 0),
      ),
    )
    .get();
  const { accepted, answered } = answer ?? {};
  let endedAt: string | undefined;
  if (answered !== undefined) {
    if (accepted) await withFreshIds(() => beginFollow(env, follower, followee, answered));
    else endedAt = await withFreshIds(() => end(env, follower, followee, answered));
  }
  await deleteEffect(env, effect.id, exclusionMark(env, followee, follower, endedAt));
}

async function beginFollow(env: Env, follower: PersonId, followee: PersonId, asked: number): Promise<void> {
  const database = databaseOf(env, follower);
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  const [saved, , , unread] = await database.patient.batch([
    saveEffectIf(effect, IS_AWAITING, [follower, followee, String(asked)]),
    statement(NOTIFY, follower, followee, asked, Date.now(), RAISE_AGAIN_AFTER),
    statement(BEGIN, follower, followee, asked),
    ...unreadStatements([{ recipient: follower, kind: ACCEPTED, subject: followee }]),
  ]);
  await announce(env, (unread?.rows ?? []) as UnreadNotification[]);
  if (saved && saved.changes > 0) await sendEffect(env, effect);
}

/** Returns the bookmark at which the follower's database no longer has the follow. */
async function end(env: Env, follower: PersonId, followee: PersonId, asked: number): Promise<string | undefined> {
  const { effect, statements } = endFollowStatements(follower, followee, ENDING_IF_ASKED, asked);
  const { results, bookmark } = await databaseOf(env, follower).patient.inSession(statements, "first-primary");
  if ((results[0]?.changes ?? 0) > 0) await sendEffect(env, effect);
  return bookmark;
}

const ENDING_IF_ASKED = ending((asked) => sql`${following.asked} = ${asked}`);

const ACCEPTED = "request_accepted" satisfies NotificationKind;

/** SQL over a row of `following`: whether the request still waits for this decision and no block is between the two. */
const awaitsDecision = (asked: SQL): SQL => sql`
  ${following.requested} = 1 AND ${following.asked} = CAST(${asked} AS INTEGER) AND NOT EXISTS (
    SELECT 1 FROM ${blocks}
    WHERE ${blocks.person} = ${following.follower} AND ${blocks.other} = ${following.followee}
    AND ${IS_ACTIVE})`;

/** The condition of the effect: its parameters begin at ?4. */
const IS_AWAITING = textOf(sql`EXISTS (
  SELECT 1 FROM ${following}
  WHERE ${following.follower} = ?4 AND ${following.followee} = ?5 AND ${awaitsDecision(sql`?6`)})`);

const BEGIN = textOf(sql`
  UPDATE ${following} SET ${bare(following.active)} = 1, ${bare(following.requested)} = 0,
    ${bare(following.version)} = ${following.version} + 1
  WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${awaitsDecision(sql`?3`)}`);

const { recipient, kind, subject, actors, count, version, raised, at } = notifications;

// Runs before BEGIN, whose condition it shares.
const NOTIFY = textOf(sql`
  INSERT INTO ${notifications} (${list(recipient, kind, subject, actors, count, version, raised, at)})
  SELECT ${following.follower}, ${literal(ACCEPTED)}, ${following.followee}, json_array(${following.followee}), 1,
    ${following.asked}, ?4, ?4
  FROM ${following}
  WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${awaitsDecision(sql`?3`)}
  AND ${wantsNotificationSql({ recipient: sql`?1`, kind: kindSql(ACCEPTED), actor: sql`?2`, post: sql`NULL` })}
  ON CONFLICT DO UPDATE SET ${takeExcluded(version, at)}, ${bare(raised)} = max(${raised} + 1, ${excluded(raised)})
  WHERE ${at} <= ${excluded(at)} - ?5`);
