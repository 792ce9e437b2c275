import { statement } from "../../../schema/d1/database.ts";
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { people } from "../../../schema/tables/people.ts";
import { EditMe, Me } from "../../../schema/api/people.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { personDocuments } from "../../reads/documents.ts";
import { unreadCount } from "../../notifications/present-notifications.ts";
import { ownProfileOf } from "../../reads/people.ts";
import { copyPrivate, forgetPrivacy, noteIsPrivate, NOTICED_WITHIN } from "../../reads/private-accounts.ts";
import type { Reader } from "../../storage/reader.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { forgetPublicResponsesOf } from "../../responses/public-responses.ts";
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
      await c.var.reader.write(person, [statement(EDIT, person, name ?? null, bio ?? null)]);
      await personDocuments.forget(c.env, person);
    }
    if (isPrivate === true) await becomePrivate(c, viewer);
    if (isPrivate === false) await becomePublic(c, viewer);
    return c.json(await meOf(c.var.reader, viewer), 200);
  },
);

const EDIT = textOf(sql`
  UPDATE ${people}
  SET ${bare(people.name)} = coalesce(?2, ${people.name}), ${bare(people.bio)} = coalesce(?3, ${people.bio})
  WHERE ${people.id} = ?1`);

/**
 * Makes the viewer private. Costs one D1 batch, and waits until no isolate trusts an older value. It also waits if they
 * are private already, because an earlier request whose response was lost may have written that just now.
 */
async function becomePrivate({ env, var: { reader } }: Context<App>, { person }: Viewer): Promise<void> {
  await copyPrivate(env, person); // First, so that KV never misses a private account when D1 is down.
  await reader.write(person, [statement(HIDE, person)]);
  noteIsPrivate(person);
  forgetPublicResponsesOf(person);
  await new Promise((resolve) => setTimeout(resolve, NOTICED_WITHIN));
}

const HIDE = textOf(sql`
  UPDATE ${people} SET ${bare(people.private)} = 1 WHERE ${people.id} = ?1 AND ${people.private} = 0`);

/** Makes the viewer public. Costs one D1 batch, which saves the effect that accepts all pending requests. */
async function becomePublic(c: Context<App>, { person }: Viewer): Promise<void> {
  await withFreshIds(async () => {
    const effect = newEffect(person, { kind: "open", person } as const);
    const [saved] = await c.var.reader.write(person, [
      saveEffectIf(effect, IS_PRIVATE, [person]),
      statement(OPEN, person),
    ]);
    if (saved && saved.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
  });
  forgetPrivacy(person);
  forgetPublicResponsesOf(person);
}

const IS_PRIVATE = textOf(sql`EXISTS (SELECT 1 FROM ${people} WHERE ${people.id} = ?4 AND ${people.private} = 1)`);
const OPEN = textOf(sql`
  UPDATE ${people} SET ${bare(people.private)} = 0 WHERE ${people.id} = ?1 AND ${people.private} = 1`);

/** Returns the viewer's own profile. Costs two D1 queries. */
async function meOf(reader: Reader, viewer: Viewer): Promise<Me> {
  const { person } = viewer;
  const [profile, unread] = await Promise.all([ownProfileOf(reader, person), unreadCount(reader, person)]);
  if (!profile) throw new Refusal("not_signed_in"); // A session may outlive its person.
  return { ...profile, unread };
}
