import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Followed, Handle } from "../../schema/api/people.ts";
import { IS_ACTIVE } from "../../schema/blocks.ts";
import type { PersonId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { endFollow } from "../delivery/unfollow.ts";
import { newEffect, saveEffectIf, sendEffect } from "../effects.ts";
import { withFreshIds } from "../fresh-ids.ts";
import { BETWEEN, blockOf, type BlockRow } from "../reads/blocks.ts";
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
async function setFollowing(c: Context<App>, handle: string, wanted: boolean): Promise<void> {
  const follower = signedIn(c).person;
  const followee = await personByHandle(c.env, handle);
  if (!followee) throw new ApiError("person_not_found");
  if (follower === followee) throw new ApiError("cannot_follow_yourself");

  const { mine, theirs } = await withFreshIds(async () => {
    const { effect, statements } = (wanted ? follow : endFollow)(c.env, follower, followee);
    const database = databaseOf(c.env, follower);
    // In the same transaction, so that no block comes between what is decided and what is told.
    const between = database.prepare(BETWEEN).bind(follower, followee);
    const results = await c.var.reader.write<BlockRow>(follower, [...statements, between]);
    if (results[0] && results[0].meta.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
    return blockOf(results.at(-1)?.results[0]);
  });
  if (theirs) throw new ApiError("person_not_found");
  if (mine && wanted) throw new ApiError("unblock_first");
}

/** As `endFollow`, for its beginning. Between two people with a block it changes nothing. */
function follow(env: Env, follower: PersonId, followee: PersonId) {
  const effect = newEffect(follower, { kind: "follow", follower, followee });
  return {
    effect,
    statements: [
      saveEffectIf(env, effect, MAY_FOLLOW, [follower, followee]),
      databaseOf(env, follower).prepare(FOLLOW).bind(follower, followee),
    ],
  };
}

const MAY_FOLLOW = `
  NOT EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND active = 1)
  AND NOT EXISTS (SELECT 1 FROM blocks WHERE person = ?4 AND other = ?5 AND ${IS_ACTIVE})`;

const FOLLOW = `
  INSERT INTO following (follower, followee, active, version) SELECT ?1, ?2, 1, 1
  WHERE NOT EXISTS (SELECT 1 FROM blocks WHERE person = ?1 AND other = ?2 AND ${IS_ACTIVE})
  ON CONFLICT DO UPDATE SET active = 1, version = version + 1 WHERE active = 0`;
