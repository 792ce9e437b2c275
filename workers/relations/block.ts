/** The effect of a block or an unblock: mirrors it to the other person's shard, and ends their follow. */
import { sql } from "drizzle-orm";
import { statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { exclusionMark } from "../../schema/d1/exclusion-marks.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { list, takeExcluded, excluded, textOf } from "../../schema/d1/sql.ts";
import { blocks, following } from "../../schema/tables/people.ts";
import { deleteEffect, sendEffect } from "../storage/effects.ts";
import { withFreshIds } from "../storage/fresh-ids.ts";
import { endFollowStatements, ending } from "./unfollow.ts";

/**
 * Applies a block or an unblock to the other person, and marks both, so that no reader decides about their posts from a
 * state that lacks the block. Costs one D1 query for the fact, one batch for the other person, and one batch to mark the
 * effect as done. It may run repeatedly, late, or concurrently with another effect of the
 * same pair: the mirror never goes back to an older version, and follows end according to the mirror.
 */
export async function applyBlock(env: Env, effect: Extract<Effect, { kind: "block" }>): Promise<void> {
  const { person, other } = effect;
  const { results, bookmark } = await databaseOf(env, person).patient.inSession<BlockFact>(
    [statement(FACT, person, other)],
    "first-primary",
  );
  const fact = results[0]?.rows[0];
  const mirrored = fact && (await mirror(env, other, person, fact, bookmark));
  await deleteEffect(env, effect.id, exclusionMark(env, person, other, mirrored));
}

type BlockFact = { mine: 0 | 1; version: number };
const FACT = textOf(sql`
  SELECT ${blocks.mine}, ${blocks.version} FROM ${blocks} WHERE ${blocks.person} = ?1 AND ${blocks.other} = ?2`);

/** Returns the bookmark at which the database of `person` has the block. `madeAt`: the same of the blocker's database. */
async function mirror(
  env: Env,
  person: PersonId,
  blocker: PersonId,
  { mine, version }: BlockFact,
  madeAt: string | undefined,
): Promise<string | undefined> {
  return withFreshIds(async () => {
    const end = endFollowStatements(person, blocker, ENDING_IF_BLOCKED);
    const { results, bookmark } = await databaseOf(env, person).patient.inSession(
      [
        statement(MIRROR, person, blocker, mine, version),
        ...end.statements,
        ...exclusionMark(env, person, blocker, madeAt),
      ],
      "first-primary",
    );
    if ((results[1]?.changes ?? 0) > 0) await sendEffect(env, end.effect);
    return bookmark;
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
