/** Applies stored effects, as cron and the queue of effects would. */
import { Effect } from "../../../schema/messages/effects.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { byD1 } from "../stores/d1.ts";
import { refillFeed } from "../../../workers/feeds/refill.ts";
import { withdrawPosts } from "../../../workers/feeds/withdraw.ts";
import { applyBlock } from "../../../workers/relations/block.ts";
import { applyDecision } from "../../../workers/relations/follow-requests.ts";
import { applyFollows } from "../../../workers/relations/follow.ts";

/** Returns the effects about feeds and follows that are stored in the databases of `people` and concern them. */
export async function pendingEffects(env: Env, people: readonly PersonId[]): Promise<Effect[]> {
  const found = [...byD1(env, people, (person) => person)].map(async ([database, group]) => {
    const { results } = await database
      .prepare(
        `SELECT body FROM effects, json_each(?) WHERE value IN
           (body ->> 'follower', body ->> 'followee', body ->> 'reader', body ->> 'author', body ->> 'person')
         AND body ->> 'kind' IN ('follow', 'answer', 'block', 'refill', 'withdraw') GROUP BY effects.id`,
      )
      .bind(JSON.stringify(group))
      .all<{ body: string }>();
    return results.map(({ body }) => Effect.parse(JSON.parse(body)));
  });
  return (await Promise.all(found)).flat();
}

/** Applies the pending effects of `people`, and those that follow from them, until none are left. */
export async function settleEffects(env: Env, people: readonly PersonId[]): Promise<void> {
  for (
    let effects = await pendingEffects(env, people);
    effects.length > 0;
    effects = await pendingEffects(env, people)
  ) {
    const of = <Kind extends Effect["kind"]>(kind: Kind) =>
      effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind);
    for (const effect of of("answer")) await applyDecision(env, effect);
    for (const effect of of("block")) await applyBlock(env, effect);
    await applyFollows(env, of("follow"));
    await withdrawPosts(env, of("withdraw"));
    for (const effect of of("refill")) await refillFeed(env, effect);
  }
}
