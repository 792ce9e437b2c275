/**
 * What the runtime itself needs on this machine: the limits that no product on it can pass. And a way to the product's
 * actors with nothing before them: signing in and routing cost several times as much as a like on one machine.
 */
import { DurableObject } from "cloudflare:workers";
import type { LikeGate } from "../../durable-objects/post/likes/like-gate.ts";
import type { PostActor } from "../../durable-objects/post/post-actor.ts";
import { newId, type PersonId, type PostId, randomShard } from "../../schema/ids.ts";

type Bindings = {
  DB: D1Database;
  BARE: DurableObjectNamespace<Bare>;
  POSTS: DurableObjectNamespace<PostActor>;
  LIKE_GATES: DurableObjectNamespace<LikeGate>;
};

type Delivery = { readers: PersonId[]; author: PersonId };

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
    const [, what = "", whom] = new URL(request.url).pathname.split("/");
    switch (what) {
      case "hello":
        return new Response("hello");
      case "read":
        return Response.json(await env.BARE.getByName(whom ?? "bare").read());
      case "insert":
        return Response.json(await env.BARE.getByName(whom ?? "bare").insert());
      case "query":
        return Response.json((await env.DB.prepare(NEWEST).bind(whom).all()).results);
      case "deliver":
        return Response.json(await deliver(env.DB, await request.json<Delivery>()));
      case "likes":
        return Response.json(await like(request.method === "PUT", request.url, env));
    }
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Bindings>;

const NEWEST = "SELECT post, author FROM deliveries WHERE reader = ? ORDER BY post DESC LIMIT 30";

/** A new post to each of the readers. */
async function deliver(database: D1Database, { readers, author }: Delivery): Promise<number> {
  const insert = database.prepare(`
    INSERT INTO deliveries (reader, post, author) SELECT value, ?2, ?3 FROM json_each(?1)
    WHERE true ON CONFLICT DO NOTHING`);
  const { meta } = await insert.bind(JSON.stringify(readers), newId<PostId>(randomShard()), author).run();
  return meta.changes;
}

/** /likes/<how>/<post>/<person>/<number> likes with PUT, and takes back with DELETE. */
async function like(liked: boolean, url: string, { POSTS, LIKE_GATES }: Bindings): Promise<unknown> {
  const [how, post, person, number] = new URL(url).pathname.split("/").slice(2) as [string, PostId, PersonId, string];
  const actor = POSTS.getByName(post);
  if (how === "alone") return (await actor.setLikes([{ person, liked }]))[0];
  if (how === "commit") return liked ? actor.like(person) : actor.unlike(person);
  return LIKE_GATES.getByName(`${post} ${Number(number) % GATES}`).set(post, person, liked);
}
