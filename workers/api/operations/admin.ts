/** The operator's API. It requires the secret ADMIN_TOKEN, and does not exist where none is set. */
import { createRoute } from "@hono/zod-openapi";
import { gt } from "drizzle-orm";
import { createMiddleware } from "hono/factory";
import { Reconcile, Reconciled, RECONCILED_MAX } from "../../../schema/api/admin.ts";
import type { PostId } from "../../../schema/ids.ts";
import { databases, isHomeOf } from "../../../schema/d1/shards.ts";
import { posts as postsTable } from "../../../schema/tables/posts.ts";
import { reconcile } from "../../projector/reconcile.ts";
import { roles } from "./roles.ts";
import { cursorId, decodeCursor, encodeCursor } from "../../http/cursors.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { freshShards } from "../../http/fresh-shards.ts";
import { jsonBodies } from "../../http/json-bodies.ts";
import { type App, body, json, refusals, routes } from "../../http/routes.ts";
import { resetLinks } from "./reset-links.ts";
import { closingRoutes } from "./closings.ts";
import { shards } from "./shards.ts";
import { status } from "./status.ts";
import { chargeNetwork, requireAllowed } from "../../limits/charges.ts";
import { networkIn } from "../../limits/networks.ts";
import { bearerOf, isSameSecret } from "../sessions/tokens.ts";

/** A secret is not in wrangler.toml, so the generated type lacks it. */
type Secrets = { ADMIN_TOKEN?: string };

const asOperator = createMiddleware<App>(async (c, next) => {
  const { ADMIN_TOKEN: secret } = c.env as Secrets;
  if (!secret) throw new Refusal("not_found");
  const token = bearerOf(c.req.header("authorization") ?? "");
  // Charged before the comparison, so that no number of guesses at once gets past the limit, and given back to the operator.
  const network = networkIn(c.req.raw.headers);
  requireAllowed(await chargeNetwork(c.env, network, [{ limit: "operator" }]), "too_many_attempts");
  if (token === undefined || !(await isSameSecret(token, secret))) throw new Refusal("not_the_operator");
  c.executionCtx.waitUntil(chargeNetwork(c.env, network, [{ limit: "operator", cost: -1 }]));
  await next();
});

export const admin = routes();
admin.use(asOperator);
admin.use(jsonBodies);
admin.use(freshShards);
admin.route("/", roles);
admin.route("/", shards);
admin.route("/", deadLetterRoutes);
admin.route("/", status);
admin.route("/", resetLinks);
admin.route("/", closingRoutes);

admin.openapi(
  createRoute({
    method: "post",
    path: "/reconcile",
    summary: "Audit posts and rebuild each projection that differs from its actor",
    request: body(Reconcile),
    responses: { 200: json(Reconciled), ...refusals },
  }),
  async (c) => {
    const { posts, cursor } = c.req.valid("json");
    const page = posts ? { posts, next: undefined } : await postsFrom(c.env, cursor);
    const items: Reconciled["items"] = [];
    for (const post of page.posts) {
      const { audit } = await reconcile(c.env, post);
      items.push({ post, ...(audit && { audit }) });
    }
    return c.json({ items, ...(page.next && { next: page.next }) }, 200);
  },
);

/** Returns a page of all posts, one database after the other. Costs one D1 query. */
async function postsFrom(env: Env, cursor: string | undefined): Promise<{ posts: PostId[]; next: string | undefined }> {
  const [number, after] = cursor === undefined ? ["0", ""] : decodeCursor(cursor, 2);
  if (after !== "") cursorId(after);
  const index = Number(number);
  const all = databases(env);
  const database = all[index];
  if (!database) throw new Refusal("invalid_cursor");
  const rows = await database.orm
    .select({ id: postsTable.id })
    .from(postsTable)
    .where(gt(postsTable.id, after as PostId))
    .orderBy(postsTable.id)
    .limit(RECONCILED_MAX);
  const ids = rows.map(({ id }) => id);
  const posts = ids.filter((id) => isHomeOf(env, database, id));
  const last = ids.at(-1);
  if (last !== undefined && ids.length === RECONCILED_MAX) return { posts, next: encodeCursor([number, last]) };
  return { posts, next: index + 1 < all.length ? encodeCursor([String(index + 1), ""]) : undefined };
}
