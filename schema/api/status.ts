import { z } from "@hono/zod-openapi";
import { Timestamp } from "./common.ts";

const Count = z.number().int();
const Seconds = z.number();
const Database = z.string().openapi({ description: "The binding of a database", example: "DB" });

const Backlog = z.object({
  messages: Count.openapi({
    description: "Messages that no consumer is handling at the moment: an estimate by the platform",
  }),
  bytes: Count,
  oldestSeconds: Seconds.optional().openapi({ description: "Age of the oldest message; absent if there is none" }),
});

const Work = z.object({
  done: Count.openapi({ description: "Messages settled in the window, including dead letters" }),
  retried: Count.openapi({ description: "Failed attempts in the window" }),
  delay: z.object({ meanMs: Count, mostMs: Count }).optional().openapi({
    description: "Time from sending a message to settling it. For the facts queue this is how far D1 lags",
  }),
});

export const QueueStatus = z
  .object({
    queue: z.string(),
    backlog: Backlog.nullable(),
    work: Work.nullable(),
    deadLetters: Count.nullable().openapi({ description: "Dead letters waiting for the operator" }),
  })
  .openapi("QueueStatus");
export type QueueStatus = z.infer<typeof QueueStatus>;

export const EffectsStatus = z
  .object({
    database: Database,
    waiting: Count.openapi({ description: "Effects not done yet, counted up to 10,000" }),
    oldestSeconds: Seconds.optional(),
    mostAttempts: Count,
    stuck: Count.openapi({ description: "Effects sent 20 times or more, over more than half a day" }),
  })
  .openapi("EffectsStatus");

export const ProjectionStatus = z
  .object({
    database: Database,
    behind: Count.openapi({ description: "Posts whose counts are in D1 but whose projection still has gaps" }),
    of: Count.openapi({ description: "Number of posts examined: only the newest, up to 1,000" }),
  })
  .openapi("ProjectionStatus");

const Delivery = z.object({ rows: Count, perSecond: z.number() });

export const Status = z
  .object({
    at: Timestamp,
    windowSeconds: Seconds.openapi({
      description: "Length of the window, in seconds before `at`, that the counts cover",
    }),
    queues: z.array(QueueStatus),
    effects: z.array(EffectsStatus),
    projection: z.array(ProjectionStatus),
    deliveries: z.object({ feeds: Delivery, notifications: Delivery }).nullable(),
    deadLetters: z.object({ waiting: Count, replayed: Count, atMost: Count }).nullable(),
    problems: z
      .array(z.string())
      .openapi({ description: "Which parts could not be read, and why. Those parts are null or omitted" }),
  })
  .openapi("Status");
export type Status = z.infer<typeof Status>;
