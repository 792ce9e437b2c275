import { z } from "zod";
import { PersonId } from "../ids.ts";
import { NotificationKind } from "../notifications.ts";

/** A wake-up: this entry of the inbox may have to be pushed. */
export const PushMessage = z.object({
  recipient: PersonId,
  kind: NotificationKind,
  subject: z.string(),
  /** It has waited for its time, which `push_held_until` in the entry says. */
  held: z.literal(true).optional(),
  /** To one browser alone, whose push service could not take it: for the `attempt`th time. */
  again: z.object({ endpoint: z.string(), attempt: z.number().int() }).optional(),
});
export type PushMessage = z.infer<typeof PushMessage>;
