/** The Worker: the handlers that the platform calls, and the actor classes that it must find here. */
import { DEAD_LETTERS } from "../schema/messages/dead-letters.ts";
import { Effect } from "../schema/messages/effects.ts";
import { FanOut } from "../schema/messages/fan-out.ts";
import { refreshShardMap } from "../schema/d1/shards.ts";
import { logError } from "../schema/log.ts";
import { releaseHandles } from "./api/accounts/change-handle.ts";
import { app } from "./app.ts";
import { applyBell } from "./relations/bells.ts";
import { applyDecision } from "./relations/follow-requests.ts";
import { applyBlock } from "./relations/block.ts";
import { fanOut } from "./feeds/fan-out.ts";
import { applyFollow, applyFollows } from "./relations/follow.ts";
import { refillFeed } from "./feeds/refill.ts";
import { withdrawPosts } from "./feeds/withdraw.ts";
import { mergeAuthor } from "./feeds/large-authors.ts";
import { eraseAccount } from "./closing/erase-account.ts";
import { reopenClosings, tidyClosings } from "./closing/sweeps.ts";
import { acceptAllRequests } from "./relations/accept-all-requests.ts";
import { resendEffects } from "./storage/effects.ts";
import { collectMedia } from "./media/collect.ts";
import { collectOrphans } from "./media/orphans.ts";
import { consumeInspections, inspectMedia } from "./media/inspection/inspect.ts";
import { enforceDecision } from "./moderation/enforce-decision.ts";
import { caseOf } from "./moderation/cases.ts";
import { removeComments } from "./moderation/remove-comments.ts";
import { sweepModeration } from "./moderation/sweep.ts";
import { consumeDeadLetters } from "./operations/dead-letters.ts";
import { withMeasures } from "./operations/measured-consumer.ts";
import { tidyOperations } from "./operations/tidy.ts";
import { erase } from "./projector/erase.ts";
import { reconcileSample } from "./projector/reconcile.ts";
import { consumeFacts } from "./projector/projector.ts";
import { consumePushes } from "./push/consumer.ts";
import { consume, consumeBatch } from "./operations/consume.ts";
import { advanceFencedMove } from "./shards/phases.ts";

export { Allowance } from "../durable-objects/limits/allowance.ts";
export { LikeGate } from "../durable-objects/post/likes/like-gate.ts";
export { LiveRelay } from "../durable-objects/live/live-relay.ts";
export { PostActor } from "../durable-objects/post/post-actor.ts";
export { UploadActor } from "../durable-objects/upload/upload-actor.ts";
export { StoredMedia } from "./media/serving/stored-media.ts";

async function applyEffect(env: Env, effect: Effect): Promise<void> {
  await refreshShardMap(env); // A batch may outlast the shard map.
  switch (effect.kind) {
    case "follow":
      return applyFollow(env, effect);
    case "bell":
      return applyBell(env, effect);
    case "remove_comments":
      return removeComments(env, effect);
    case "moderation":
      return enforceDecision(env, effect, await caseOf(env, effect.subject));
    case "answer":
      return applyDecision(env, effect);
    case "open":
      return acceptAllRequests(env, effect);
    case "block":
      return applyBlock(env, effect);
    case "merge":
      return mergeAuthor(env, effect);
    case "inspect":
      return inspectMedia(env, effect);
    case "erase":
      return erase(env, effect);
    case "close":
      return eraseAccount(env, effect);
    case "refill":
      return refillFeed(env, effect);
    case "withdraw":
      return withdrawPosts(env, [effect]);
  }
}

/** Applies follows and deletions together, because people make many at once, and everything else one by one. */
async function applyEffects(env: Env, effects: readonly Effect[]): Promise<void> {
  const follows = effects.filter((effect) => effect.kind === "follow");
  if (follows.length > 0) await applyFollows(env, follows);
  const withdrawals = effects.filter((effect) => effect.kind === "withdraw");
  if (withdrawals.length > 0) await withdrawPosts(env, withdrawals);
  for (const effect of effects) {
    if (effect.kind !== "follow" && effect.kind !== "withdraw") await applyEffect(env, effect);
  }
}

export default {
  fetch: app.fetch,

  queue: withMeasures(async (batch, env, context) => {
    await refreshShardMap(env);
    switch (batch.queue) {
      case "shutterline-facts":
        return consumeFacts(batch, env);
      case "shutterline-fan-out":
      case "shutterline-fan-out-pages":
        return consume(
          batch,
          env,
          FanOut,
          async (message) => {
            await refreshShardMap(env);
            await fanOut(env, message);
          },
          { together: true },
        );
      case "shutterline-inspections":
      case "shutterline-video-inspections":
        return consumeInspections(batch, env);
      case "shutterline-effects":
        return consumeBatch(batch, env, Effect, (effects) => applyEffects(env, effects));
      case DEAD_LETTERS:
        return consumeDeadLetters(batch, env);
      case "shutterline-pushes":
        return consumePushes(batch, env, context);
      default:
        throw new Error(`no consumer for the queue ${batch.queue}`);
    }
  }),

  async scheduled(_controller, env) {
    await refreshShardMap(env);
    // Each in its own try, because a sweep that fails must not keep the others from running.
    for (const sweep of [
      resendEffects,
      sweepModeration,
      collectMedia,
      collectOrphans,
      reconcileSample,
      reopenClosings,
      tidyClosings,
      advanceFencedMove,
      tidyOperations,
      releaseHandles,
    ]) {
      try {
        await sweep(env);
      } catch (error) {
        logError("sweep failed, the next minute tries again", { sweep: sweep.name, error: String(error) });
      }
    }
  },
} satisfies ExportedHandler<Env>;
