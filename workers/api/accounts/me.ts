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
import { forgetAnswersOf } from "../../answers/public-answers.ts";
import { type App, body, json, refusals, routes, signedIn } from "../../http/routes.ts";
import type { Viewer } from "../../storage/viewer.ts";

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
    summary: "Change the caller's name or bio, or who sees their posts",
    description:
      "What is not given stays. Others may see the old name for some minutes. Becoming private takes a second, and holds " +
      "for everybody who is signed in from the answer on; whoever follows already, stays. Becoming public accepts " +
      "everybody who has asked to follow.",
    request: body(EditMe),
    responses: { 200: json(Me), ...refusals },
  }),
  async (c) => {
    const viewer = signedIn(c);
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

/** One D1 batch. Who is private already waits as well: an earlier request may have written just now, and not been heard. */
async function becomePrivate({ env, var: { reader } }: Context<App>, { person }: Viewer): Promise<void> {
  await copyPrivate(env, person); // First, so that KV knows of whoever is it.
  const update = databaseOf(env, person)
    .prepare("UPDATE people SET private = 1 WHERE id = ? AND private = 0")
    .bind(person);
  await reader.write(person, [update]);
  noteIsPrivate(person);
  forgetAnswersOf(person);
  await new Promise((resolve) => setTimeout(resolve, NOTICED_WITHIN));
}

/** One D1 batch, with the effect that accepts the requests. */
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
  forgetAnswersOf(person);
}

/** Two D1 queries. */
async function meOf(reader: Reader, viewer: Viewer): Promise<Me> {
  const { person } = viewer;
  const [profile, unread] = await Promise.all([ownProfileOf(reader, person), unreadCount(reader, person)]);
  if (!profile) throw new ApiError("not_signed_in"); // A session may outlive its person.
  return { ...profile, unread };
}
