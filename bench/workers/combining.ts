/**
 * The product, with a way to its actors that has nothing before them: /v1/bench/<how>/<post>/<person>/<number> likes with PUT and takes back
 * with DELETE. Signing in and routing cost several times as much as a like on one machine and would hide what is compared.
 */
import type { PersonId, PostId } from "../../schema/ids.ts";
import worker from "../../workers/index.ts";

export { LikeGate } from "../../durable-objects/like-gate.ts";
export { PostActor } from "../../durable-objects/post-actor.ts";

const GATES = 4;

export default {
  ...worker,
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/v1/bench/")) return worker.fetch(request, env, context);
    const [how, post, person, number] = pathname.split("/").slice(3) as [string, PostId, PersonId, string];
    const liked = request.method === "PUT";
    const actor = env.POSTS.getByName(post);
    if (how === "alone") return Response.json((await actor.setLikes([{ person, liked }]))[0]);
    if (how === "commit") return Response.json(await (liked ? actor.like(person) : actor.unlike(person)));
    const gate = env.LIKE_GATES.getByName(`${post} ${Number(number) % GATES}`);
    return Response.json(await gate.set(post, person, liked));
  },
} satisfies ExportedHandler<Env>;
