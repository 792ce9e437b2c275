import { forgetReplayed } from "./dead-letters.ts";
import { forgetMeasures, saveMeasures } from "./measures.ts";

/** Cron's part: saves what this isolate has counted last, and forgets what is a day old. */
export async function tidyOperations(env: Env, now = Date.now()): Promise<void> {
  await Promise.all([saveMeasures(env, now), forgetMeasures(env, now), forgetReplayed(env, now)]);
}
