/** What follows when a private person becomes public: who has asked to follow them does. */
import type { Effect } from "../../schema/messages/facts.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, effectGoesOn } from "../storage/effects.ts";
import { answerRequest, applyAnswer } from "./follow-requests.ts";

/** Bounds the work of one message: about five D1 calls each. */
export const ACCEPTED_PER_MESSAGE = 50;

/**
 * Accepts one page of requests, oldest first, and hands the rest on. Whoever has become private again in the meantime has
 * accepted those that were reached until then. One D1 query, and for each request what an answer costs.
 */
export async function acceptAll(env: Env, effect: Extract<Effect, { kind: "open" }>): Promise<void> {
  const { id, person, after } = effect;
  const { results: page } = await databaseOf(env, person)
    .prepare(OLDEST)
    .bind(person, after?.since ?? 0, after?.follower ?? "", ACCEPTED_PER_MESSAGE)
    .all<{ since: number; follower: PersonId }>();
  for (const { follower } of page) {
    const answer = await answerRequest(env, follower, person, "accept");
    if (answer) await applyAnswer(env, answer);
  }
  const last = page.length === ACCEPTED_PER_MESSAGE ? page.at(-1) : undefined;
  await (last ? effectGoesOn(env, { ...effect, after: last }) : effectDone(env, id));
}

const OLDEST = `
  SELECT since, follower FROM followers
  WHERE followee = ?1 AND pending = 1 AND (since, follower) > (?2, ?3)
  AND EXISTS (SELECT 1 FROM people WHERE id = ?1 AND private = 0)
  ORDER BY since, follower LIMIT ?4`;
