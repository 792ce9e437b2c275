/**
 * Records the messages of actors instead of queueing them, so that a test can deliver them as an unreliable queue
 * would.
 */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { PostActor } from "../../../durable-objects/post/post-actor.ts";
import type { PostFacts } from "../../../schema/messages/facts.ts";
import type { FanOut } from "../../../schema/messages/fan-out.ts";
import type { PostId } from "../../../schema/ids.ts";
import { d1Of } from "../stores/d1.ts";

/** Records what posts send from now on, without the posts that an earlier call has recorded: those send again later. */
export function recordQueues() {
  const facts: PostFacts[] = [];
  const fanOuts: FanOut[] = [];
  const earlier = new Set(recorded);
  const keep = <T extends { post: PostId }>(list: T[], bodies: T[]): Promise<QueueSendResponse> => {
    const own = bodies.filter(({ post }) => !earlier.has(post));
    for (const { post } of own) recorded.add(post);
    list.push(...structuredClone(own));
    return Promise.resolve(NO_BACKLOG);
  };
  const sendFacts = vi.spyOn(env.FACTS, "send").mockImplementation((body) => keep(facts, [body as PostFacts]));
  vi.spyOn(env.FACTS, "sendBatch").mockImplementation((messages) =>
    keep(
      facts,
      Array.from(messages, ({ body }) => body as PostFacts),
    ),
  );
  const sendFanOut = vi.spyOn(env.FAN_OUT, "send").mockImplementation((body) => keep(fanOuts, [body as FanOut]));
  vi.spyOn(env.FAN_OUT_PAGES, "send").mockImplementation((body) => keep(fanOuts, [body as FanOut]));
  vi.spyOn(env.FAN_OUT_PAGES, "sendBatch").mockImplementation((messages) =>
    keep(
      fanOuts,
      Array.from(messages, ({ body }) => body as FanOut),
    ),
  );
  return { facts, fanOuts, sendFacts, sendFanOut };
}

const recorded = new Set<PostId>();
const NO_BACKLOG = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };

const QUEUED = new Set<PropertyKey>(["like", "unlike", "comment"]);

/**
 * Returns `bindings` whose post actors hand out no likes and comments, so that these go through a queue, and a test
 * decides when they arrive. A new post is still handed out.
 */
export function withQueuedFacts(bindings: Env): Env {
  const queued = (stub: DurableObjectStub<PostActor>) =>
    new Proxy(stub, {
      get(_, name) {
        const member = Reflect.get(stub, name) as unknown;
        if (typeof member !== "function") return member;
        const call = (...values: unknown[]) =>
          (stub as unknown as Record<PropertyKey, (...values: unknown[]) => unknown>)[name]?.(...values);
        return QUEUED.has(name) ? (command: unknown) => call(command) : call;
      },
    });
  const posts = { getByName: (name: string) => queued(bindings.POSTS.getByName(name)) };
  return new Proxy(bindings, { get: (_, name) => (name === "POSTS" ? posts : Reflect.get(bindings, name)) as unknown });
}

/** Runs the actor's alarm now, whenever it is due. Returns false if none is set. */
export const flush = (actor: DurableObjectStub<PostActor>): Promise<boolean> => runDurableObjectAlarm(actor);

/** Notes in D1 that facts have arrived, as the projector does after its writes, and lets the actor ask. */
export async function noteArrived(
  actor: DurableObjectStub<PostActor>,
  { from, to, notices = { from: 0, to: 0 } }: Pick<PostFacts, "from" | "to"> & { notices?: Range | undefined },
): Promise<void> {
  const post = actor.name as PostId;
  await d1Of(env, post)
    .prepare(
      `INSERT INTO post_stats (post, likes, comments, seq, projected, noticed)
       VALUES (?1, 0, 0, 0, iif(?2 = 1, ?3, 0), iif(?4 = 1, ?5, 0))
       ON CONFLICT DO UPDATE SET projected = iif(?2 <= projected + 1, max(?3, projected), projected),
         noticed = iif(?4 <= noticed + 1, max(?5, noticed), noticed)`,
    )
    .bind(post, from, to, notices.from, notices.to)
    .run();
  await actor.state();
}
type Range = { from: number; to: number };
