import { z } from "@hono/zod-openapi";
import { Timestamp } from "./common.ts";

const Count = z.number().int();
const Seconds = z.number();
const Database = z.string().openapi({ description: "The binding of a database", example: "DB" });

const Backlog = z.object({
  messages: Count.openapi({ description: "That no consumer has at the moment. The platform calls it an estimate" }),
  bytes: Count,
  oldestSeconds: Seconds.optional().openapi({ description: "The age of the oldest; absent without any" }),
});

const Work = z.object({
  done: Count.openapi({ description: "Messages dealt with in the window, given up on or not" }),
  retried: Count.openapi({ description: "Attempts in the window that failed" }),
  delay: z.object({ meanMs: Count, mostMs: Count }).optional().openapi({
    description: "From a message being sent to its being dealt with. Of the queue of facts: how late D1 is",
  }),
});

export const QueueStatus = z
  .object({
    queue: z.string(),
    backlog: Backlog.nullable(),
    work: Work.nullable(),
    deadLetters: Count.nullable().openapi({ description: "That wait for the operator" }),
  })
  .openapi("QueueStatus");
export type QueueStatus = z.infer<typeof QueueStatus>;

export const EffectsStatus = z
  .object({
    database: Database,
    waiting: Count.openapi({ description: "Up to 10,000" }),
    oldestSeconds: Seconds.optional(),
    mostAttempts: Count,
    stuck: Count.openapi({ description: "Sent 20 times or more, over half a day" }),
  })
  .openapi("EffectsStatus");

export const ProjectionStatus = z
  .object({
    database: Database,
    behind: Count.openapi({ description: "Posts whose actor has confirmed less than it has told of" }),
    of: Count.openapi({ description: "The newest posts, up to 1,000: no others are looked at" }),
  })
  .openapi("ProjectionStatus");

const Delivery = z.object({ rows: Count, perSecond: z.number() });

export const Status = z
  .object({
    at: Timestamp,
    windowSeconds: Seconds.openapi({ description: "What is counted, was counted in the last so many seconds" }),
    queues: z.array(QueueStatus),
    effects: z.array(EffectsStatus),
    projection: z.array(ProjectionStatus),
    deliveries: z.object({ feeds: Delivery, notifications: Delivery }).nullable(),
    deadLetters: z.object({ waiting: Count, replayed: Count, atMost: Count }).nullable(),
    problems: z
      .array(z.string())
      .openapi({ description: "What could not be found out, and why; it is null, or left out" }),
  })
  .openapi("Status");
export type Status = z.infer<typeof Status>;
