import { z } from "zod";

/** Where the platform moves what has failed too often, and where we send what D1 does not take at the moment. */
export const DEAD_LETTERS = "shutterline-dead-letters";

/** A message that was given up on, with what is known of it. The platform moves a bare body, and tells nothing. */
export const DeadLetter = z.object({
  died: z.object({
    /** The queue it was for. */
    queue: z.string(),
    reason: z.string(),
    attempts: z.number().int(),
    /** In ms since 1970. */
    at: z.number().int(),
  }),
  body: z.unknown(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;
