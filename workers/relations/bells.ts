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
import { type Unread, unreadStatements } from "../notifications/write-notifications.ts";
import { isWantedSql } from "../notifications/notification-rules.ts";

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

/**
 * For a batch in the followers' database: tells those of them whose bell rings for the author of each of `posts`, once and
 * if they want to be told. Dormant ones too, since they asked for it. The last statement gives back what stands unread: see
 * `unreadIn`. Reads 3 to 5 rows for each of them and writes 3; prepares nothing for nobody.
 */
export function bellStatements(
  database: D1Database,
  followers: readonly PersonId[],
  author: PersonId,
  posts: readonly PostId[],
): D1PreparedStatement[] {
  if (followers.length === 0) return [];
  const told = posts.map((post) => [post, timeOf(post)]);
  const entries = followers.flatMap((recipient) =>
    posts.map((subject) => ({ recipient, kind: "new_post" as const, subject })),
  );
  return [
    database.prepare(RING).bind(JSON.stringify(followers), JSON.stringify(told), author),
    ...unreadStatements(database, entries),
  ];
}

/** What stands unread, of the results of a batch that ends with `bellStatements`. */
export const unreadIn = (results: readonly D1Result<Unread>[]): Unread[] => results.at(-1)?.results ?? [];

// One entry a post, which never changes: so what was seen stays seen however often this is told again.
const RING = `
  INSERT INTO notifications (recipient, kind, subject, post, actors, count, version, raised, at)
  SELECT reader.value, 'new_post', told.value ->> 0, told.value ->> 0, json_array(?3), 1, 1, told.value ->> 1, told.value ->> 1
  FROM json_each(?1) AS reader
  CROSS JOIN following ON follower = reader.value AND followee = ?3 AND active = 1 AND bell = 1
  CROSS JOIN json_each(?2) AS told
  WHERE ${isWantedSql({ recipient: "reader.value", kind: "'new_post'", actor: "?3", post: "told.value ->> 0" })}
  ON CONFLICT DO NOTHING`;
