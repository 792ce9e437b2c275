/** The effect of a private person becoming public: accepts all their follow requests. */
import type { Effect } from "../../schema/messages/facts.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { effectDone, effectGoesOn } from "../storage/effects.ts";
import { answerRequest, applyAnswer } from "./follow-requests.ts";

/** The most requests that one message accepts. Each costs about five D1 calls. */
export const ACCEPTED_PER_MESSAGE = 50;

/**
 * Accepts one page of requests, oldest first, and continues with the next page in another message. It stops if the
 * person becomes private again; requests accepted until then stay accepted. Costs one D1 query, and for each request as
 * much as any decision.
 */
export async function acceptAll(env: Env, effect: Extract<Effect, { kind: "open" }>): Promise<void> {
  const { id, person, after } = effect;
  const { results: page } = await databaseOf(env, person)
    .prepare(OLDEST_REQUESTS)
    .bind(person, after?.since ?? 0, after?.follower ?? "", ACCEPTED_PER_MESSAGE)
    .all<{ since: number; follower: PersonId }>();
  for (const { follower } of page) {
    const answer = await answerRequest(env, follower, person, "accept");
    if (answer) await applyAnswer(env, answer);
  }
  const last = page.length === ACCEPTED_PER_MESSAGE ? page.at(-1) : undefined;
  await (last ? effectGoesOn(env, { ...effect, after: last }) : effectDone(env, id));
}

const OLDEST_REQUESTS = `
  SELECT since, follower FROM followers
  WHERE followee = ?1 AND pending = 1 AND (since, follower) > (?2, ?3)
  AND EXISTS (SELECT 1 FROM people WHERE id = ?1 AND private = 0)
  ORDER BY since, follower LIMIT ?4`;
