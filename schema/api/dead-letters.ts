import { z } from "@hono/zod-openapi";
import { PageQuery, page, Timestamp } from "./common.ts";

/** The most dead letters that one request replays. */
export const REPLAYED_MAX = 100;

const Queue = z.string().max(100).openapi({ example: "shutterline-effects" });
const Id = z.number().int().positive();

export const DeadLetterSummary = z
  .object({
    id: Id,
    queue: Queue.openapi({
      description: "The queue the message was meant for; the dead letter queue itself if the origin is unknown",
    }),
    subject: z
      .string()
      .openapi({ description: "What the message is about. Messages with the same subject share one dead letter" }),
    reason: z.string().optional().openapi({
      description:
        "The latest known error. Absent when the consumer crashed or timed out: the platform gives no reason",
    }),
    attempts: z.number().int().openapi({ description: "Number of delivery attempts before its most recent failure" }),
    deaths: z.number().int().openapi({ description: "How often it has failed for good" }),
    replays: z.number().int(),
    firstAt: Timestamp,
    lastAt: Timestamp,
    replayedAt: Timestamp.optional().openapi({
      description: "When it was last replayed; absent while it waits for the operator",
    }),
    bytes: z.number().int().openapi({ description: "Size of the body" }),
  })
  .openapi("DeadLetterSummary");
export type DeadLetterSummary = z.infer<typeof DeadLetterSummary>;

export const DeadLetterPage = page(DeadLetterSummary).openapi("DeadLetterPage");
export type DeadLetterPage = z.infer<typeof DeadLetterPage>;

export const DeadLetterWhole = DeadLetterSummary.extend({
  body: z.unknown().openapi({ description: "Body of the message, as of its most recent failure" }),
}).openapi("DeadLetter");
export type DeadLetterWhole = z.infer<typeof DeadLetterWhole>;

export const DeadLetterQuery = PageQuery.extend({
  queue: Queue.optional(),
  state: z.enum(["waiting", "replayed"]).default("waiting").openapi({
    description: "waiting: needs the operator. replayed: replayed within the last day and not failed again",
  }),
});

export const Replay = z
  .object({
    ids: z
      .array(Id)
      .min(1)
      .max(REPLAYED_MAX)
      .optional()
      .openapi({ description: "Replays only these; by default all waiting dead letters, page by page" }),
    queue: Queue.optional().openapi({ description: "Without `ids`: replays only the dead letters of this queue" }),
    cursor: z.string().max(200).optional().openapi({ description: "`next` of the previous page" }),
  })
  .openapi("Replay");
export type Replay = z.infer<typeof Replay>;

export const ReplayedLetters = z
  .object({
    replayed: z.array(Id).openapi({ description: "Dead letters whose queue has accepted the message" }),
    unknown: z.array(Id).openapi({ description: "Not replayed, because their queue is unknown" }),
    next: z.string().optional().openapi({ description: "Cursor of the next page; absent on the last page" }),
  })
  .openapi("ReplayedLetters");
export type ReplayedLetters = z.infer<typeof ReplayedLetters>;
