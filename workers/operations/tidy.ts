import { forgetReplayed } from "./dead-letters.ts";
import { forgetMeasures, saveMeasures } from "./measures.ts";

/**
 * Run by cron: saves this isolate's counts, and deletes measures and replayed dead letters that are more than a day
 * old.
 */
export async function tidyOperations(env: Env, now = Date.now()): Promise<void> {
  await Promise.all([saveMeasures(env, now), forgetMeasures(env, now), forgetReplayed(env, now)]);
}
