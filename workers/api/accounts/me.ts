import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { EditMe, Me } from "../../../schema/api/people.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { personDocuments } from "../../reads/documents.ts";
import { unreadCount } from "../../notifications/present-notifications.ts";
import { ownProfileOf } from "../../reads/people.ts";
import { copyPrivate, forgetStanding, noteIsPrivate, NOTICED_WITHIN } from "../../reads/private-accounts.ts";
import type { Reader } from "../../storage/reader.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { forgetPublicResponsesOf } from "../../answers/public-answers.ts";
import { type App, body, json, refusals, routes, requireViewer } from "../../http/routes.ts";
import type { Viewer } from "../../storage/viewer.ts";

export const me = routes();

me.openapi(
  createRoute({
    method: "get",
    path: "/me",
    summary: "Get the viewer's own profile",
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => c.json(await meOf(c.var.reader, requireViewer(c)), 200),
);

me.openapi(
  createRoute({
    method: "patch",
    path: "/me",
    summary: "Edit the viewer's name or bio, or make the account private or public",
    description:
      "Fields that are left out stay as they are. Others may see the old name for some minutes. Making the account " +
      "private takes a second; once the response arrives, its posts are hidden from all signed-in people who do not " +
      "follow it. Existing followers stay. Making it public accepts all pending follow requests.",
    request: body(EditMe),
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => {
    const viewer = requireViewer(c);
    const { person } = viewer;
    const { name, bio, private: isPrivate } = c.req.valid("json");
    if (name !== undefined || bio !== undefined) {
      const update = databaseOf(c.env, person)
        .prepare("UPDATE people SET name = coalesce(?, name), bio = coalesce(?, bio) WHERE id = ?")
        .bind(name ?? null, bio ?? null, person);
      await c.var.reader.write(person, [update]);
      await personDocuments.forget(c.env, person);
    }
    if (isPrivate === true) await becomePrivate(c, viewer);
    if (isPrivate === false) await becomePublic(c, viewer);
    return c.json(await meOf(c.var.reader, viewer), 200);
  },
);

/**
 * Makes the viewer private. Costs one D1 batch, and waits until no isolate trusts an older value. It also waits if they
 * are private already, because an earlier request whose response was lost may have written that just now.
 */
async function becomePrivate({ env, var: { reader } }: Context<App>, { person }: Viewer): Promise<void> {
  await copyPrivate(env, person); // First, so that KV never misses a private account when D1 is down.
  const update = databaseOf(env, person)
    .prepare("UPDATE people SET private = 1 WHERE id = ? AND private = 0")
    .bind(person);
  await reader.write(person, [update]);
  noteIsPrivate(person);
  forgetPublicResponsesOf(person);
  await new Promise((resolve) => setTimeout(resolve, NOTICED_WITHIN));
}

/** Makes the viewer public. Costs one D1 batch, which saves the effect that accepts all pending requests. */
async function becomePublic(c: Context<App>, { person }: Viewer): Promise<void> {
  await withFreshIds(async () => {
    const effect = newEffect(person, { kind: "open", person } as const);
    const [saved] = await c.var.reader.write(person, [
      saveEffectIf(c.env, effect, "EXISTS (SELECT 1 FROM people WHERE id = ?4 AND private = 1)", [person]),
      databaseOf(c.env, person).prepare("UPDATE people SET private = 0 WHERE id = ? AND private = 1").bind(person),
    ]);
    if (saved && saved.meta.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
  });
  forgetStanding(person);
  forgetPublicResponsesOf(person);
}

/** Returns the viewer's own profile. Costs two D1 queries. */
async function meOf(reader: Reader, viewer: Viewer): Promise<Me> {
  const { person } = viewer;
  const [profile, unread] = await Promise.all([ownProfileOf(reader, person), unreadCount(reader, person)]);
  if (!profile) throw new ApiError("not_signed_in"); // A session may outlive its person.
  return { ...profile, unread };
}
