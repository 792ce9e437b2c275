import { statement, type Statement } from "../../schema/d1/database.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { newEffect, saveEffectIf } from "../storage/effects.ts";

/**
 * Statements for a batch in the follower's database that end a follow or a request if `condition` holds (SQL over a row
 * of `following`). The first one saves the effect, which the caller must send if that changed a row; it comes first
 * because it reads what the second one changes. They write nothing if there is no follow or request.
 */
export function endFollowStatements(
  follower: PersonId,
  followee: PersonId,
  condition = "true",
): { effect: Effect; statements: [Statement, ...Statement[]] } {
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  const isOpen = `EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND ${IS_OPEN} AND ${condition})`;
  return {
    effect,
    statements: [
      saveEffectIf(effect, isOpen, [follower, followee]),
      statement(`${END} AND ${condition}`, follower, followee),
      statement(EMPTY_FEED, follower, followee),
    ],
  };
}

const IS_OPEN = "(active = 1 OR requested = 1)";

const END = `
  UPDATE following SET active = 0, requested = 0, bell = 0, version = version + 1
  WHERE follower = ?1 AND followee = ?2 AND ${IS_OPEN}`;

const EMPTY_FEED = `
  DELETE FROM feed WHERE reader = ?1 AND author = ?2
  AND NOT EXISTS (SELECT 1 FROM following WHERE follower = ?1 AND followee = ?2 AND active = 1)`;
