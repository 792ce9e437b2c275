import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Belled, Handle } from "../../../schema/api/people.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { BETWEEN, blockOf, type BlockRow } from "../../reads/blocks.ts";
import { personByHandle } from "../../reads/people.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { type App, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const bells = routes();

bells.openapi(
  createRoute({
    method: "put",
    path: "/people/{handle}/bell",
    summary: "Get notified of each new post of a person you follow",
    description: "Ends when you unfollow them.",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Belled), ...refusals },
  }),
  async (c) => {
    const { isFollowing } = await setBell(c, c.req.valid("param").handle, true);
    if (!isFollowing) throw new ApiError("not_following");
    return c.json({ bellByMe: true }, 200);
  },
);

bells.openapi(
  createRoute({
    method: "delete",
    path: "/people/{handle}/bell",
    summary: "Stop notifications of a person's new posts",
    description: "Notifications already in the inbox stay.",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Belled), ...refusals },
  }),
  async (c) => {
    await setBell(c, c.req.valid("param").handle, false);
    return c.json({ bellByMe: false }, 200);
  },
);

/**
 * Sets or clears the bell, and returns whether the viewer follows the person. Costs three D1 queries; the last is a
 * batch in the follower's database, which writes nothing if nothing changes.
 */
async function setBell(c: Context<App>, handle: string, wanted: boolean): Promise<{ isFollowing: boolean }> {
  const follower = requireViewer(c).person;
  const followee = await personByHandle(c.env, handle);
  if (!followee) throw new ApiError("person_not_found");

  const { theirs, isFollowing } = await withFreshIds(async () => {
    const effect = newEffect(follower, { kind: "bell", follower, followee });
    const database = databaseOf(c.env, follower);
    const results = await c.var.reader.write<BlockRow>(follower, [
      // First, because it depends on the row that the next statement changes.
      saveEffectIf(c.env, effect, wanted ? IS_SILENT : IS_RINGING, [follower, followee]),
      database.prepare(wanted ? RING : SILENCE).bind(follower, followee),
      // In the same transaction, so that no block or unfollow comes between the write and these reads.
      database.prepare(BETWEEN).bind(follower, followee),
      database.prepare(FOLLOWS).bind(follower, followee),
    ]);
    const [saved, , between, follows] = results;
    if (saved && saved.meta.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
    return { theirs: blockOf(between?.results[0]).theirs, isFollowing: follows?.results.length === 1 };
  });
  if (theirs) throw new ApiError("person_not_found");
  return { isFollowing };
}

const FOLLOWS = "SELECT 1 FROM following WHERE follower = ?1 AND followee = ?2 AND active = 1";

const IS_SILENT = "EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND active = 1 AND bell = 0)";
const IS_RINGING = "EXISTS (SELECT 1 FROM following WHERE follower = ?4 AND followee = ?5 AND active = 1 AND bell = 1)";

const RING = `
  UPDATE following SET bell = 1, version = version + 1
  WHERE follower = ?1 AND followee = ?2 AND active = 1 AND bell = 0`;
const SILENCE = `
  UPDATE following SET bell = 0, version = version + 1
  WHERE follower = ?1 AND followee = ?2 AND active = 1 AND bell = 1`;
