import { z } from "zod";
import { PersonId } from "../ids.ts";
import { NotificationKind } from "../notifications.ts";

/** A wake-up: this notification may have to be pushed. */
export const PushMessage = z.object({
  recipient: PersonId,
  kind: NotificationKind,
  subject: z.string(),
  /** The message was delayed until `push_held_until` of the notification. */
  held: z.literal(true).optional(),
  /** Retries one device whose push service could not accept the push. `attempt` counts the tries. */
  again: z.object({ endpoint: z.string(), attempt: z.number().int() }).optional(),
});
export type PushMessage = z.infer<typeof PushMessage>;
