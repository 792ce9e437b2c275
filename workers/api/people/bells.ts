import { statement } from "../../../schema/d1/database.ts";
import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { bare, literal, textOf } from "../../../schema/d1/sql.ts";
import { following } from "../../../schema/tables/people.ts";
import { Belled, Handle } from "../../../schema/api/people.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { BLOCK_BETWEEN, blockOf, type BlockRow } from "../../reads/blocks.ts";
import { personByHandle } from "../../reads/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { claimedViewer, type App, json, refusals, routes } from "../../http/routes.ts";

export const bells = routes();

for (const { wanted, ...operation } of [
  {
    method: "put",
    wanted: true,
    summary: "Get notified of each new post of a person you follow",
    description: "Ends when you unfollow them.",
  },
  {
    method: "delete",
    wanted: false,
    summary: "Stop notifications of a person's new posts",
    description: "Notifications already in the inbox stay.",
  },
] as const) {
  bells.openapi(
    createRoute({
      ...operation,
      path: "/people/{handle}/bell",
      request: { params: z.object({ handle: Handle }) },
      responses: { 200: json(Belled), ...refusals },
    }),
    async (c) => {
      const { isFollowing } = await setBell(c, c.req.valid("param").handle, wanted);
      if (wanted && !isFollowing) throw new Refusal("not_following");
      return c.json({ bellByMe: wanted }, 200);
    },
  );
}

/**
 * Sets or clears the bell, and returns whether the viewer follows the person. Costs three D1 queries; the last is a
 * batch in the follower's database, which writes nothing if nothing changes.
 */
async function setBell(c: Context<App>, handle: string, wanted: boolean): Promise<{ isFollowing: boolean }> {
  const follower = claimedViewer(c).person;
  const followee = await personByHandle(c.var.reader, handle);
  if (!followee) throw new Refusal("person_not_found");

  const { isNeeded, set } = wanted ? RING : SILENCE;
  const { theirs, isFollowing } = await withFreshIds(async () => {
    const effect = newEffect(follower, { kind: "bell", follower, followee });
    const results = await c.var.reader.write<BlockRow>(follower, [
      // First, because it depends on the row that the next statement changes.
      saveEffectIf(effect, isNeeded, [follower, followee]),
      statement(set, follower, followee),
      // In the same transaction, so that no block or unfollow comes between the write and these reads.
      statement(BLOCK_BETWEEN, follower, followee),
      statement(FOLLOWS, follower, followee),
    ]);
    const [saved, , between, follows] = results;
    if (saved && saved.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, effect));
    return { theirs: blockOf(between?.rows[0]).theirs, isFollowing: follows?.rows.length === 1 };
  });
  if (theirs) throw new Refusal("person_not_found");
  return { isFollowing };
}

const FOLLOWS = textOf(sql`
  SELECT 1 FROM ${following}
  WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${following.active} = 1`);

/** Returns the statement that sets the bell of a follow, and the condition under which it changes anything. */
function bellStatements(bell: 0 | 1): { isNeeded: string; set: string } {
  const isDifferent = sql`${following.active} = 1 AND ${following.bell} = ${literal(1 - bell)}`;
  return {
    isNeeded: textOf(sql`EXISTS (
      SELECT 1 FROM ${following}
      WHERE ${following.follower} = ?4 AND ${following.followee} = ?5 AND ${isDifferent})`),
    set: textOf(sql`
      UPDATE ${following}
      SET ${bare(following.bell)} = ${literal(bell)}, ${bare(following.version)} = ${following.version} + 1
      WHERE ${following.follower} = ?1 AND ${following.followee} = ?2 AND ${isDifferent}`),
  };
}

const RING = bellStatements(1);
const SILENCE = bellStatements(0);
