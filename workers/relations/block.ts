/** The effect of a block or an unblock: mirrors it to the other person's shard, and ends their follow. */
import { statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { deleteEffect, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { endFollowStatements } from "./unfollow.ts";

/**
 * Applies a block or an unblock to the other person. Costs one D1 query for the fact, one batch for the other person,
 * and one query to mark the effect as done. It may run repeatedly, late, or concurrently with another effect of the
 * same pair: the mirror never goes back to an older version, and follows end according to the mirror.
 */
export async function applyBlock(env: Env, effect: Extract<Effect, { kind: "block" }>): Promise<void> {
  const { person, other } = effect;
  const fact = await databaseOf(env, person).patient.first<BlockFact>(
    "SELECT mine, version FROM blocks WHERE person = ? AND other = ?",
    person,
    other,
  );
  if (fact) await mirror(env, other, person, fact);
  await deleteEffect(env, effect.id);
}

type BlockFact = { mine: 0 | 1; version: number };

async function mirror(env: Env, person: PersonId, blocker: PersonId, { mine, version }: BlockFact): Promise<void> {
  const database = databaseOf(env, person);
  await withFreshIds(async () => {
    const end = endFollowStatements(person, blocker, IS_BLOCKED);
    const [, ended] = await database.patient.batch([
      statement(MIRROR, person, blocker, mine, version),
      ...end.statements,
    ]);
    if (ended && ended.changes > 0) await sendEffect(env, end.effect);
  });
}

const MIRROR = `
  INSERT INTO blocks (person, other, mine, version, theirs, their_version) VALUES (?1, ?2, 0, 0, ?3, ?4)
  ON CONFLICT DO UPDATE SET theirs = excluded.theirs, their_version = excluded.their_version
  WHERE excluded.their_version > their_version`;

// Checks the mirror rather than the fact that this run read, so that a late run ends nothing after an unblock and a new
// follow.
const IS_BLOCKED = "EXISTS (SELECT 1 FROM blocks WHERE person = follower AND other = followee AND theirs = 1)";
