import { createRoute } from "@hono/zod-openapi";
import { EditMe, Me } from "../../schema/api/people.ts";
import { databaseOf } from "../../schema/shards.ts";
import { personDocuments } from "../reads/documents.ts";
import { unreadCount } from "../reads/notifications.ts";
import { profileOf } from "../reads/people.ts";
import type { Reader } from "../reads/reader.ts";
import { ApiError } from "./errors.ts";
import { body, json, refusals, routes, signedIn, type Viewer } from "./routes.ts";

export const me = routes();

me.openapi(
  createRoute({
    method: "get",
    path: "/me",
    summary: "The caller, as only they see themselves",
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => c.json(await meOf(c.var.reader, signedIn(c)), 200),
);

me.openapi(
  createRoute({
    method: "patch",
    path: "/me",
    summary: "Change the caller's name or bio",
    description: "What is not given stays. Others may see the old name for some minutes.",
    request: body(EditMe),
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => {
    const viewer = signedIn(c);
    const { person } = viewer;
    const { name, bio } = c.req.valid("json");
    const update = databaseOf(c.env, person)
      .prepare("UPDATE people SET name = coalesce(?, name), bio = coalesce(?, bio) WHERE id = ?")
      .bind(name ?? null, bio ?? null, person);
    await c.var.reader.write(person, [update]);
    await personDocuments.forget(c.env, person);
    return c.json(await meOf(c.var.reader, viewer), 200);
  },
);

/** Two D1 queries. */
async function meOf(reader: Reader, viewer: Viewer): Promise<Me> {
  const [profile, unread] = await Promise.all([profileOf(reader, viewer.person), unreadCount(reader, viewer.person)]);
  if (!profile) throw new ApiError("not_signed_in"); // A session may outlive its person.
  return { ...profile, unread };
}
