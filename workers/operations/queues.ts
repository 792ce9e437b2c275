/** Every queue that the Worker consumes, as the operator sees it. A new one is a line here and two tables in wrangler.toml. */
import type { z } from "zod";
import { Effect, FanOut, InspectEffect, PostFacts } from "../../schema/messages/facts.ts";
import { PushMessage } from "../../schema/messages/push.ts";

export type KnownQueue = {
  producerOf: (env: Env) => Queue;
  /** Whether a message is one of this queue's. */
  accepts: (body: unknown) => boolean;
  /** What the message is about: another one about the same makes this one superfluous. Undefined for none of its own. */
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

// A bare body is taken for a message of the first that accepts it: so the more is asked of a body, the further up.
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

/** The name of the queue that a bare body was for; undefined when none would take it. */
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
