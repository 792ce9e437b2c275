/**
 * A bare Worker that shows the limits of the runtime on this machine, which no product on it can exceed. It also calls
 * the product's actors directly, because authentication and routing cost several times as much as a like on one
 * machine.
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
    const [, operation = "", name] = new URL(request.url).pathname.split("/");
    switch (operation) {
      case "hello":
        return new Response("hello");
      case "read":
        return Response.json(await env.BARE.getByName(name ?? "bare").read());
      case "insert":
        return Response.json(await env.BARE.getByName(name ?? "bare").insert());
      case "query":
        return Response.json((await env.DB.prepare(NEWEST).bind(name).all()).results);
      case "deliver":
        return Response.json(await deliver(env.DB, await request.json<Delivery>()));
      case "likes":
        return Response.json(await like(request.method === "PUT", request.url, env));
    }
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Bindings>;

const NEWEST = "SELECT post, author FROM deliveries WHERE reader = ? ORDER BY post DESC LIMIT 30";

/** Inserts a new post for each of the readers. */
async function deliver(database: D1Database, { readers, author }: Delivery): Promise<number> {
  const insert = database.prepare(`
    INSERT INTO deliveries (reader, post, author) SELECT value, ?2, ?3 FROM json_each(?1)
    WHERE true ON CONFLICT DO NOTHING`);
  const { meta } = await insert.bind(JSON.stringify(readers), newId<PostId>(randomShard()), author).run();
  return meta.changes;
}

/** Handles /likes/<way>/<post>/<person>/<number>, which likes with PUT and unlikes with DELETE. */
async function like(liked: boolean, url: string, { POSTS, LIKE_GATES }: Bindings): Promise<unknown> {
  const [way, post, person, number] = new URL(url).pathname.split("/").slice(2) as [string, PostId, PersonId, string];
  const actor = POSTS.getByName(post);
  if (way === "alone") return (await actor.setLikes([{ person, liked }]))[0];
  if (way === "commit") return liked ? actor.like(person) : actor.unlike(person);
  return LIKE_GATES.getByName(`${post} ${Number(number) % GATES}`).set(post, person, liked);
}
