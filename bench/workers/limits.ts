/** What the runtime itself needs on this machine: the limits that no product on it can pass. */
import { DurableObject } from "cloudflare:workers";

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
  async fetch(request, { BARE }) {
    const { pathname } = new URL(request.url);
    const bare = BARE.getByName("bare");
    if (pathname === "/hello") return new Response("hello");
    if (pathname === "/read") return Response.json(await bare.read());
    if (pathname === "/insert") return Response.json(await bare.insert());
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<{ BARE: DurableObjectNamespace<Bare> }>;
