import { sendPushes } from "../push/send-pushes.ts";
import type { Unread } from "./tell.ts";

/**
 * After entries were written: their recipients' screens and devices hear of it. Throws when a queue takes nothing. What is told twice is seen
 * once, so whoever writes entries announces all that stand unread, also those that an earlier run has written.
 */
export async function announce(env: Env, unread: readonly Unread[]): Promise<void> {
  await sendPushes(env, unread);
}
