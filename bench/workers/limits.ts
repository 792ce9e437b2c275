/**
 * What the runtime itself needs on this machine: the limits that no product on it can pass. And a way to the product's
 * actors with nothing before them: signing in and routing cost several times as much as a like on one machine.
 */
import { DurableObject } from "cloudflare:workers";
import type { LikeGate } from "../../durable-objects/like-gate.ts";
import type { PostActor } from "../../durable-objects/post-actor.ts";
import type { PersonId, PostId } from "../../schema/ids.ts";

type Bindings = {
  BARE: DurableObjectNamespace<Bare>;
  POSTS: DurableObjectNamespace<PostActor>;
  LIKE_GATES: DurableObjectNamespace<LikeGate>;
};

const GATES = 4;

export class Bare extends DurableObject {
  #rows = 0;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, person TEXT NOT NULL)");
  }

  read(): number {
    return this.#rows;
  }

  insert(): number {
    this.ctx.storage.sql.exec("INSERT INTO rows (person) VALUES ('01m3qk7vt4xe9')");
    this.#rows += 1;
    return this.#rows;
  }
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/likes/")) return Response.json(await like(request.method === "PUT", pathname, env));
    const bare = env.BARE.getByName("bare");
    if (pathname === "/hello") return new Response("hello");
    if (pathname === "/read") return Response.json(await bare.read());
    if (pathname === "/insert") return Response.json(await bare.insert());
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Bindings>;

/** /likes/<how>/<post>/<person>/<number> likes with PUT, and takes back with DELETE. */
async function like(liked: boolean, pathname: string, { POSTS, LIKE_GATES }: Bindings): Promise<unknown> {
  const [how, post, person, number] = pathname.split("/").slice(2) as [string, PostId, PersonId, string];
  const actor = POSTS.getByName(post);
  if (how === "alone") return (await actor.setLikes([{ person, liked }]))[0];
  if (how === "commit") return liked ? actor.like(person) : actor.unlike(person);
  return LIKE_GATES.getByName(`${post} ${Number(number) % GATES}`).set(post, person, liked);
}
