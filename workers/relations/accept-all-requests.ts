/** The effect of a private person becoming public: accepts all their follow requests. */
import { sql } from "drizzle-orm";
import type { Effect } from "../../schema/messages/effects.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { textOf } from "../../schema/d1/sql.ts";
import { followers, people } from "../../schema/tables/people.ts";
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
  const page = await databaseOf(env, person).patient.all<Pick<typeof followers.$inferSelect, "since" | "follower">>(
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

const OLDEST_REQUESTS = textOf(sql`
  SELECT ${followers.since} AS "since", ${followers.follower} AS "follower" FROM ${followers}
  WHERE ${followers.followee} = ?1 AND ${followers.pending} = 1
  AND (${followers.since}, ${followers.follower}) > (?2, ?3)
  AND EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?1 AND ${people.private} = 0)
  ORDER BY ${followers.since}, ${followers.follower} LIMIT ?4`);
