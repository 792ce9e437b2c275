/**
 * Bells: followers who want a notification for each new post of an author. The fact is `following.bell`, in the shard
 * of the follower's inbox; its mirror `followers.bell` tells fan-out which followers to check. No post is missed: one
 * whose fan-out reads the mirror too early is already in D1, where the effect of the bell finds it, and any later one
 * finds the mirror.
 */
import { and, desc, eq, gte } from "drizzle-orm";
import type { Effect } from "../../schema/messages/effects.ts";
import { newId, type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { posts } from "../../schema/tables/posts.ts";
import { deleteEffect } from "../storage/effects.ts";
import { announce } from "../push/announce.ts";
import { mirrorFollow } from "./follow.ts";
import type { UnreadNotification } from "../notifications/write-notifications.ts";
import { bellStatements, unreadIn } from "../notifications/bell-notifications.ts";

/** The most posts to catch up with that were published between a bell and its effect, which follows within seconds. */
const CAUGHT_UP_AT_MOST = 100;

/**
 * Mirrors a bell and notifies the follower of posts that it missed. Costs as much as mirroring the follow, one D1 query
 * to mark the effect as done, and, for an active bell, one query for the newest posts and one batch if there are any.
 * It may run repeatedly, late, or in any order with the effects of the follow.
 */
export async function applyBell(env: Env, effect: Extract<Effect, { kind: "bell" }>): Promise<void> {
  const { id, follower, followee } = effect;
  // The follow is announced by its own effect.
  const mirrored = await mirrorFollow(env, follower, followee, { isAnnounced: false });
  if (mirrored?.fact.active && mirrored.fact.bell) await catchUp(env, follower, followee, timeOf(id));
  await deleteEffect(env, id);
}

/**
 * Notifies the follower of posts published from `since` on (ms since 1970). Reads the primary, because a replica may
 * lag.
 */
async function catchUp(env: Env, follower: PersonId, followee: PersonId, since: number): Promise<void> {
  const published = await databaseOf(env, followee)
    .patient.orm.select({ id: posts.id })
    .from(posts)
    .where(and(eq(posts.author, followee), gte(posts.id, newId<PostId>(0, since, 0))))
    .orderBy(desc(posts.id))
    .limit(CAUGHT_UP_AT_MOST);
  if (published.length === 0) return;
  const database = databaseOf(env, follower);
  const ids = published.map(({ id }) => id);
  const results = await database.patient.batch<UnreadNotification>(bellStatements([follower], followee, ids));
  await announce(env, unreadIn(results));
}
