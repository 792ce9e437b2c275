import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Followed, Handle } from "../../schema/api/people.ts";
import { databaseOf } from "../../schema/shards.ts";
import { newEffect, saveEffectIf, sendEffect } from "../effects.ts";
import { withFreshIds } from "../fresh-ids.ts";
import { personByHandle } from "../reads/people.ts";
import { ApiError } from "./errors.ts";
import { type App, json, refusals, routes, signedIn } from "./routes.ts";

export const follows = routes();

follows.openapi(
  createRoute({
    method: "put",
    path: "/people/{handle}/follow",
    summary: "Follow a person",
    description: "Their newest posts come into the caller's feed a moment later.",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Followed), ...refusals },
  }),
  async (c) => {
    await setFollowing(c, c.req.valid("param").handle, true);
    return c.json({ followedByMe: true }, 200);
  },
);

follows.openapi(
  createRoute({
    method: "delete",
    path: "/people/{handle}/follow",
    summary: "Follow a person no longer",
    description: "Their posts leave the caller's feed at once.",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Followed), ...refusals },
  }),
  async (c) => {
    await setFollowing(c, c.req.valid("param").handle, false);
    return c.json({ followedByMe: false }, 200);
  },
);

/** Three D1 queries. The last is a batch in the follower's database, which writes nothing if all is so already. */
async function setFollowing(c: Context<App>, handle: string, active: boolean): Promise<void> {
  const follower = signedIn(c).person;
  const followee = await personByHandle(c.env, handle);
  if (!followee) throw new ApiError("person_not_found");
  if (follower === followee) throw new ApiError("cannot_follow_yourself");

  await withFreshIds(async () => {
    const effect = newEffect(follower, { kind: "follow", follower, followee });
    const database = databaseOf(c.env, follower);
    // The effect comes first, because its condition asks what the next statement is about to change.
    const [saved] = await database.batch([
      saveEffectIf(c.env, effect, active ? `NOT ${FOLLOWS}` : FOLLOWS, [follower, followee]),
      ...(active ? FOLLOW : UNFOLLOW).map((sql) => database.prepare(sql).bind(follower, followee)),
    ]);
    if (saved && saved.meta.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
  });
}

const FOLLOWS = "EXISTS (SELECT 1 FROM following WHERE follower = ? AND followee = ? AND active = 1)";
const FOLLOW = [
  `INSERT INTO following (follower, followee, active, version) VALUES (?1, ?2, 1, 1)
   ON CONFLICT DO UPDATE SET active = 1, version = version + 1 WHERE active = 0`,
];
const UNFOLLOW = [
  "UPDATE following SET active = 0, version = version + 1 WHERE follower = ?1 AND followee = ?2 AND active = 1",
  "DELETE FROM feed WHERE reader = ?1 AND author = ?2",
];
