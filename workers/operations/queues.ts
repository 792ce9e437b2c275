/** The queues that the Worker consumes. A new queue needs an entry here and two tables in wrangler.toml. */
import type { z } from "zod";
import { Effect, InspectEffect } from "../../schema/messages/effects.ts";
import { PostFacts } from "../../schema/messages/facts.ts";
import { FanOut } from "../../schema/messages/fan-out.ts";
import { PushMessage } from "../../schema/messages/push.ts";

export type KnownQueue = {
  producerOf: (env: Env) => Queue;
  /** Whether a message belongs to this queue. */
  accepts: (body: unknown) => boolean;
  /**
   * What the message is about: a later message with the same subject replaces it. Undefined if it is not this queue's.
   */
  subjectOf: (body: unknown) => string | undefined;
};

function queue<T>(producerOf: (env: Env) => Queue, schema: z.ZodType<T>, subjectOf: (body: T) => string): KnownQueue {
  const parse = (body: unknown) => schema.safeParse(body).data;
  return {
    producerOf,
    accepts: (body) => parse(body) !== undefined,
    subjectOf: (body) => {
      const parsed = parse(body);
      return parsed === undefined ? undefined : subjectOf(parsed);
    },
  };
}

const Inspection = InspectEffect.refine(({ video }) => video !== true);
const VideoInspection = InspectEffect.refine(({ video }) => video === true);
const Page = FanOut.refine(({ parts }) => parts !== undefined);
const subjectOfEffect = ({ kind, id }: Effect) => `${kind} ${id}`;

// A bare body is assigned to the first queue that accepts it, so stricter schemas come first.
export const QUEUES: ReadonlyMap<string, KnownQueue> = new Map([
  [
    "shutterline-facts",
    queue(
      (env) => env.FACTS,
      PostFacts,
      ({ post, from }) => `${post} from ${from}`,
    ),
  ],
  ["shutterline-inspections", queue((env) => env.INSPECTIONS, Inspection, subjectOfEffect)],
  ["shutterline-video-inspections", queue((env) => env.VIDEO_INSPECTIONS, VideoInspection, subjectOfEffect)],
  ["shutterline-effects", queue((env) => env.EFFECTS, Effect, subjectOfEffect)],
  ["shutterline-pushes", queue((env) => env.PUSHES, PushMessage, subjectOfPush)],
  ["shutterline-fan-out-pages", queue((env) => env.FAN_OUT_PAGES, Page, subjectOfFanOut)],
  ["shutterline-fan-out", queue((env) => env.FAN_OUT, FanOut, subjectOfFanOut)],
]);

/** Returns the name of the queue that a bare body was sent to, or undefined if no queue accepts it. */
export const originOf = (body: unknown): string | undefined =>
  [...QUEUES].find(([, { accepts }]) => accepts(body))?.[0];

function subjectOfPush({ recipient, kind, subject }: PushMessage): string {
  return `${recipient} ${kind} ${subject}`;
}

function subjectOfFanOut({ post, parts }: FanOut): string {
  if (!parts) return post;
  const { first, end, after } = parts;
  return `${post} parts ${first}-${end}${after === undefined ? "" : ` after ${after}`}`;
}
