/** The effect of a private person becoming public: accepts all their follow requests. */
import type { Effect } from "../../schema/messages/effects.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { deleteEffect, continueEffect } from "../storage/effects.ts";
import { saveDecision, applyDecision } from "./follow-requests.ts";

/** The most requests that one message accepts. Each costs about five D1 calls. */
export const ACCEPTED_PER_MESSAGE = 50;

/**
 * Accepts one page of requests, oldest first, and continues with the next page in another message. It stops if the
 * person becomes private again; requests accepted until then stay accepted. Costs one D1 query, and for each request as
 * much as any decision.
 */
export async function acceptAllRequests(env: Env, effect: Extract<Effect, { kind: "open" }>): Promise<void> {
  const { id, person, after } = effect;
  const page = await databaseOf(env, person).patient.all<{ since: number; follower: PersonId }>(
    OLDEST_REQUESTS,
    person,
    after?.since ?? 0,
    after?.follower ?? "",
    ACCEPTED_PER_MESSAGE,
  );
  for (const { follower } of page) {
    const answer = await saveDecision(env, follower, person, "accept");
    if (answer) await applyDecision(env, answer);
  }
  const last = page.length === ACCEPTED_PER_MESSAGE ? page.at(-1) : undefined;
  await (last ? continueEffect(env, { ...effect, after: last }) : deleteEffect(env, id));
}

const OLDEST_REQUESTS = `
  SELECT since, follower FROM followers
  WHERE followee = ?1 AND pending = 1 AND (since, follower) > (?2, ?3)
  AND EXISTS (SELECT 1 FROM people WHERE id = ?1 AND private = 0)
  ORDER BY since, follower LIMIT ?4`;
