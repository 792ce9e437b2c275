import { z } from "zod";

/** The queue for messages that failed too often: the platform moves them here, and so do we while D1 is down. */
export const DEAD_LETTERS = "shutterline-dead-letters";

/** A dead letter with its cause, as we send it ourselves. The platform moves a bare body and gives no cause. */
export const DeadLetter = z.object({
  died: z.object({
    /** The queue that the message was sent to. */
    queue: z.string(),
    reason: z.string(),
    attempts: z.number().int(),
    /** In ms since 1970. */
    at: z.number().int(),
  }),
  body: z.unknown(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;
