import type { Effect } from "../../schema/messages/facts.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { newEffect, saveEffectIf } from "../storage/effects.ts";

/**
 * The end of a follow or a request, for a batch in the follower's database, if `condition` holds (SQL over a row of
 * `following`). The
 * first statement saves the effect, which must be sent when that has changed a row. It is the first because it asks what
 * the next one is about to change. Writes nothing when there is neither.
 */
export function endFollow(
  env: Env,
  follower: PersonId,
  followee: PersonId,
  condition = "true",
): { effect: Effect; statements: [D1PreparedStatement, ...D1PreparedStatement[]] } {
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  const database = databaseOf(env, follower);
  const asked = `EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND ${STANDS} AND ${condition})`;
  return {
    effect,
    statements: [
      saveEffectIf(env, effect, asked, [follower, followee]),
      database.prepare(`${END} AND ${condition}`).bind(follower, followee),
      database.prepare(EMPTY_FEED).bind(follower, followee),
    ],
  };
}

const STANDS = "(active = 1 OR requested = 1)";

const END = `
  UPDATE following SET active = 0, requested = 0, bell = 0, version = version + 1
  WHERE follower = ?1 AND followee = ?2 AND ${STANDS}`;

const EMPTY_FEED = `
  DELETE FROM feed WHERE reader = ?1 AND author = ?2
  AND NOT EXISTS (SELECT 1 FROM following WHERE follower = ?1 AND followee = ?2 AND active = 1)`;
