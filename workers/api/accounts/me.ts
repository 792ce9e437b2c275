import { statement } from "../../../schema/d1/database.ts";
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import { people } from "../../../schema/tables/people.ts";
import { EditMe, Me } from "../../../schema/api/people.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { audiences, personDocuments } from "../../reads/documents.ts";
import { unreadCount } from "../../notifications/present-notifications.ts";
import { ownProfileOf } from "../../reads/people.ts";
import { dropPostsBy } from "../../reads/stored-posts.ts";
import type { PersonId } from "../../../schema/ids.ts";
import type { Reader } from "../../storage/reader.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { forgetPublicResponsesOf } from "../../responses/public-responses.ts";
import { changeHandle } from "./change-handle.ts";
import { refuseForeignName } from "../../names/names.ts";
import { renewSession } from "../sessions/own-sessions.ts";
import { type App, body, claimedViewer, json, refusals, routes, requireViewer } from "../../http/routes.ts";
import type { Viewer } from "../../storage/viewer.ts";

export const me = routes();

me.openapi(
  createRoute({
    method: "get",
    path: "/me",
    summary: "Get the viewer's own profile",
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => {
    // Here, because every client reads this when it starts.
    const [own] = await Promise.all([meOf(c.var.reader, claimedViewer(c)), renewSession(c)]);
    return c.json(own, 200);
  },
);

me.openapi(
  createRoute({
    method: "patch",
    path: "/me",
    summary: "Edit the viewer's handle, name or bio, or make the account private or public",
    description:
      "Fields that are left out stay as they are. Others may see the old handle or name for some minutes. Nothing that is " +
      "published after the account has become private is shown to anybody who does not follow it; earlier posts may " +
      "still be shown for a moment. Existing followers stay. Making it public accepts all pending follow requests.",
    request: body(EditMe),
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => {
    const viewer = await requireViewer(c);
    const { person } = viewer;
    const { handle, name, bio, private: isPrivate } = c.req.valid("json");
    if (name !== undefined) await refuseForeignName(c.env, name, person);
    if (handle !== undefined) {
      await changeHandle(c.var.reader, person, handle);
      forgetPublicResponsesOf(person);
    }
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

/** Makes the viewer private. Costs one D1 batch. */
async function becomePrivate({ var: { reader } }: Context<App>, { person }: Viewer): Promise<void> {
  await reader.write(person, [statement(HIDE, person)]);
  changedAudience(person);
}

/** Makes this isolate decide again who may see the person's posts. */
function changedAudience(person: PersonId): void {
  audiences.drop(person);
  dropPostsBy(person);
  forgetPublicResponsesOf(person);
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
  changedAudience(person);
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
