/** What follows from a block or an unblock: its mirror with the other person, and the end of their follow. */
import type { Effect } from "../../schema/messages/facts.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { endFollow } from "./unfollow.ts";

/**
 * Costs one D1 query for the truth, one batch for the other person, and one to be done. It may run again, late, or at the
 * same time as another one of the same pair: the mirror never goes back, and what it ends follows from the mirror.
 */
export async function applyBlock(env: Env, effect: Extract<Effect, { kind: "block" }>): Promise<void> {
  const { person, other } = effect;
  const truth = await databaseOf(env, person)
    .prepare("SELECT mine, version FROM blocks WHERE person = ? AND other = ?")
    .bind(person, other)
    .first<Truth>();
  if (truth) await mirror(env, other, person, truth);
  await effectDone(env, effect.id);
}

type Truth = { mine: 0 | 1; version: number };

async function mirror(env: Env, person: PersonId, blocker: PersonId, { mine, version }: Truth): Promise<void> {
  const database = databaseOf(env, person);
  await withFreshIds(async () => {
    const end = endFollow(env, person, blocker, IS_BLOCKED);
    const [, ended] = await database.batch([
      database.prepare(MIRROR).bind(person, blocker, mine, version),
      ...end.statements,
    ]);
    if (ended && ended.meta.changes > 0) await sendEffect(env, end.effect);
  });
}

const MIRROR = `
  INSERT INTO blocks (person, other, mine, version, theirs, their_version) VALUES (?1, ?2, 0, 0, ?3, ?4)
  ON CONFLICT DO UPDATE SET theirs = excluded.theirs, their_version = excluded.their_version
  WHERE excluded.their_version > their_version`;

// Asks the mirror, not what this run has read: after an unblock and a new follow, a late run ends nothing.
const IS_BLOCKED = "EXISTS (SELECT 1 FROM blocks WHERE person = follower AND other = followee AND theirs = 1)";
