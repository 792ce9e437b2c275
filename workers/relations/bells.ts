/**
 * Bells: some followers want to be told of each new post of an author. The fact is `following.bell`, beside the follower's
 * inbox; its mirror `followers.bell` tells fan-out whom to ask. Nobody falls between the two. A post that reads the mirror
 * too early is in D1 by then, so the effect of the bell finds it; any later one finds the mirror.
 */
import type { Effect } from "../../schema/messages/facts.ts";
import { newId, type PersonId, type PostId, timeOf } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone } from "../storage/effects.ts";
import { announce } from "../push/announce.ts";
import { mirrorFollow } from "./follow.ts";
import type { Unread } from "../notifications/write-notifications.ts";
import { bellStatements, unreadIn } from "../notifications/bell-notifications.ts";

/** Of what was published while a bell was on its way. It is on its way for seconds. */
const CAUGHT_UP_AT_MOST = 100;

/**
 * Costs what mirroring the follow does, for a bell that rings one D1 query for the newest posts and one batch when there
 * are any, and one to be done. It may run again, late, or in any order with the effects of the follow.
 */
export async function applyBell(env: Env, effect: Extract<Effect, { kind: "bell" }>): Promise<void> {
  const { id, follower, followee } = effect;
  // The effect of the follow announces it, and nothing else is news here.
  const mirrored = await mirrorFollow(env, follower, followee, { isAnnounced: false });
  if (mirrored?.truth.active && mirrored.truth.bell) await catchUp(env, follower, followee, timeOf(id));
  await effectDone(env, id);
}

/** Tells the follower of what was published from `since` on (ms since 1970), from the primary: a replica may lack it. */
async function catchUp(env: Env, follower: PersonId, followee: PersonId, since: number): Promise<void> {
  const published = await databaseOf(env, followee)
    .prepare("SELECT id FROM posts WHERE author = ? AND id >= ? ORDER BY id DESC LIMIT ?")
    .bind(followee, newId<PostId>(0, since, 0), CAUGHT_UP_AT_MOST)
    .all<{ id: PostId }>();
  const posts = published.results.map(({ id }) => id);
  if (posts.length === 0) return;
  const database = databaseOf(env, follower);
  const results = await database.batch<Unread>(bellStatements(database, [follower], followee, posts));
  await announce(env, unreadIn(results));
}
