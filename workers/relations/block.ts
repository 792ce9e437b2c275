/** The effect of a block or an unblock: mirrors it to the other person's shard, and ends their follow. */
import { and, eq, sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { list, takeExcluded, excluded, textOf } from "../../schema/d1/sql.ts";
import { blocks, following } from "../../schema/tables/people.ts";
import { deleteEffect, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { endFollowStatements, ending } from "./unfollow.ts";

/**
 * Applies a block or an unblock to the other person. Costs one D1 query for the fact, one batch for the other person,
 * and one query to mark the effect as done. It may run repeatedly, late, or concurrently with another effect of the
 * same pair: the mirror never goes back to an older version, and follows end according to the mirror.
 */
export async function applyBlock(env: Env, effect: Extract<Effect, { kind: "block" }>): Promise<void> {
  const { person, other } = effect;
  const fact = await databaseOf(env, person)
    .patient.orm.select({ mine: blocks.mine, version: blocks.version })
    .from(blocks)
    .where(and(eq(blocks.person, person), eq(blocks.other, other)))
    .get();
  if (fact) await mirror(env, other, person, fact);
  await deleteEffect(env, effect.id);
}

type BlockFact = Pick<typeof blocks.$inferSelect, "mine" | "version">;

async function mirror(env: Env, person: PersonId, blocker: PersonId, { mine, version }: BlockFact): Promise<void> {
  const database = databaseOf(env, person);
  await withFreshIds(async () => {
    const end = endFollowStatements(person, blocker, ENDING_IF_BLOCKED);
    const [, ended] = await database.patient.batch([
      statement(MIRROR, person, blocker, Number(mine), version),
      ...end.statements,
    ]);
    if (ended && ended.changes > 0) await sendEffect(env, end.effect);
  });
}

const MIRROR = textOf(sql`
  INSERT INTO ${blocks}
    (${list(blocks.person, blocks.other, blocks.mine, blocks.version, blocks.theirs, blocks.theirVersion)})
  VALUES (?1, ?2, 0, 0, ?3, ?4)
  ON CONFLICT DO UPDATE SET ${takeExcluded(blocks.theirs, blocks.theirVersion)}
  WHERE ${excluded(blocks.theirVersion)} > ${blocks.theirVersion}`);

// Checks the mirror rather than the fact that this run read, so that a late run ends nothing after an unblock and a new
// follow.
const ENDING_IF_BLOCKED = ending(
  () => sql`EXISTS (
    SELECT 1 FROM ${blocks}
    WHERE ${blocks.person} = ${following.follower} AND ${blocks.other} = ${following.followee}
    AND ${blocks.theirs} = 1)`,
);
