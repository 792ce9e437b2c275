import { type SQL, sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { bare, textOf } from "../../schema/d1/sql.ts";
import { following } from "../../schema/tables/people.ts";
import { leaveFeedStatements } from "../feeds/refill.ts";
import { newEffect, saveEffectIf } from "../storage/effects.ts";

/** A condition of `endFollowStatements`, in the text of its statements. */
export type Ending = { isOpen: string; end: string };

/**
 * Builds the statements that end a follow or a request if `condition` holds: SQL over a row of `following`, which may
 * contain one parameter. Call it once for each condition, when the module is loaded.
 */
export function ending(condition: (parameter: SQL) => SQL): Ending {
  const isOpen = sql`(${following.active} = 1 OR ${following.requested} = 1)`;
  return {
    isOpen: textOf(sql`EXISTS (
      SELECT 1 FROM ${following} WHERE ${following.follower} = ?4 AND ${following.followee} = ?5
      AND ${isOpen} AND ${condition(sql`CAST(?6 AS INTEGER)`)})`),
    end: textOf(sql`
      UPDATE ${following} SET ${bare(following.active)} = 0, ${bare(following.requested)} = 0,
        ${bare(following.bell)} = 0, ${bare(following.version)} = ${following.version} + 1
      WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${isOpen} AND ${condition(sql`?3`)}`),
  };
}

const ENDING_ALWAYS = ending(() => sql`true`);

/**
 * Statements for a batch in the follower's database that end a follow or a request if the condition of `ending` holds;
 * `values` is its parameter, if it has one. The first statement saves the effect, which the caller must send if that
 * changed a row; it comes first because it reads what the second one changes. They write nothing if there is no follow
 * or request.
 */
export function endFollowStatements(
  follower: PersonId,
  followee: PersonId,
  { isOpen, end }: Ending = ENDING_ALWAYS,
  ...values: readonly number[]
): { effect: Effect; statements: [Statement, ...Statement[]] } {
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  return {
    effect,
    statements: [
      saveEffectIf(effect, isOpen, [follower, followee, ...values.map(String)]),
      statement(end, follower, followee, ...values),
      ...leaveFeedStatements([follower], followee),
    ],
  };
}
