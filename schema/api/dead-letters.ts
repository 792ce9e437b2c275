import { z } from "@hono/zod-openapi";
import { PageQuery, page, Timestamp } from "./common.ts";

/** The most letters that one request replays. */
export const REPLAYED_MAX = 100;

const Queue = z.string().max(100).openapi({ example: "shutterline-effects" });
const Id = z.number().int().positive();

export const DeadLetterSummary = z
  .object({
    id: Id,
    queue: Queue.openapi({
      description: "The queue that the message was for; that of dead letters while that is not known",
    }),
    subject: z
      .string()
      .openapi({ description: "What the message is about. Another one about the same is the same letter" }),
    reason: z.string().optional().openapi({
      description: "The newest that is known. The platform tells none, of a consumer that crashed or ran too long",
    }),
    attempts: z.number().int().openapi({ description: "How often it was tried before it died last" }),
    deaths: z.number().int().openapi({ description: "How often it has died" }),
    replays: z.number().int(),
    firstAt: Timestamp,
    lastAt: Timestamp,
    replayedAt: Timestamp.optional().openapi({ description: "Absent while it waits for the operator" }),
    bytes: z.number().int().openapi({ description: "Of the body" }),
  })
  .openapi("DeadLetterSummary");
export type DeadLetterSummary = z.infer<typeof DeadLetterSummary>;

export const DeadLetterPage = page(DeadLetterSummary).openapi("DeadLetterPage");
export type DeadLetterPage = z.infer<typeof DeadLetterPage>;

export const DeadLetterWhole = DeadLetterSummary.extend({
  body: z.unknown().openapi({ description: "Of the message, as it died last" }),
}).openapi("DeadLetter");
export type DeadLetterWhole = z.infer<typeof DeadLetterWhole>;

export const DeadLetterQuery = PageQuery.extend({
  queue: Queue.optional(),
  state: z.enum(["waiting", "replayed"]).default("waiting").openapi({
    description: "waiting: for the operator. replayed: in the last day, and not dead again",
  }),
});

export const Replay = z
  .object({
    ids: z
      .array(Id)
      .min(1)
      .max(REPLAYED_MAX)
      .optional()
      .openapi({ description: "These; else all that wait, by pages" }),
    queue: Queue.optional().openapi({ description: "Of all, those of this queue" }),
    cursor: z.string().max(200).optional().openapi({ description: "`next` of the page before" }),
  })
  .openapi("Replay");
export type Replay = z.infer<typeof Replay>;

export const ReplayedLetters = z
  .object({
    replayed: z.array(Id).openapi({ description: "Their queues have accepted them" }),
    unknown: z.array(Id).openapi({ description: "Not replayed, because it is not known for which queue they were" }),
    next: z.string().optional().openapi({ description: "Absent on the last page" }),
  })
  .openapi("ReplayedLetters");
export type ReplayedLetters = z.infer<typeof ReplayedLetters>;
