import { statement } from "../../../schema/d1/database.ts";
import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import { Handle, Muted, PeoplePage } from "../../../schema/api/people.ts";
import { list, literal, textOf } from "../../../schema/d1/sql.ts";
import { AFTER_EVERY_ID, type PersonId } from "../../../schema/ids.ts";
import { mutes as mutesTable } from "../../../schema/tables/notifications.ts";
import { BLOCK_BETWEEN, blockOf, type BlockRow } from "../../reads/blocks.ts";
import { leaveFeedStatements, refillOf, unmutedStatement } from "../../feeds/refill.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { fullPage } from "../../reads/full-page.ts";
import { personByHandle } from "../../reads/people.ts";
import { peopleSeenBy } from "../../reads/visibility.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { claimedViewer, type App, json, refusals, routes } from "../../http/routes.ts";

/** Bounded, because a page of a feed checks each author on it, and skips the posts of muted ones. */
export const MUTES_MAX = 1000;

export const mutes = routes();

for (const { wanted, ...operation } of [
  {
    method: "put",
    wanted: true,
    summary: "Mute a person",
    description:
      "Their posts leave the viewer's feed, and what they do raises no notifications for the viewer. They are not " +
      "notified, and nothing else changes. Repeating it changes nothing.",
  },
  {
    method: "delete",
    wanted: false,
    summary: "Unmute a person",
    description:
      "A moment later, what they have posted in the meantime appears in the viewer's feed as if they had never been muted.",
  },
] as const) {
  mutes.openapi(
    createRoute({
      ...operation,
      path: "/people/{handle}/mute",
      request: { params: z.object({ handle: Handle }) },
      responses: { 200: json(Muted), ...refusals },
    }),
    async (c) => c.json(await setMuted(c, c.req.valid("param").handle, wanted), 200),
  );
}

mutes.openapi(
  createRoute({
    method: "get",
    path: "/me/mutes",
    summary: "List the people whom the viewer has muted",
    description: "Ordered by sign-up, newest first.",
    request: { query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    const { reader } = c.var;
    const { cursor, limit } = c.req.valid("query");
    const { items, next } = await fullPage({
      after: idOfCursor<PersonId>(cursor),
      limit,
      read: async (after, count) => {
        const rows = await reader.replica<MutedRow>(person, MUTED, person, after ?? AFTER_EVERY_ID, count);
        return rows.map(({ other }) => other);
      },
      keyOf: (id) => id,
      itemKey: (id) => id,
      show: (ids) => peopleSeenBy(reader, ids),
    });
    return c.json(pageWithCursor(items, next), 200);
  },
);

/**
 * Mutes or unmutes a person. Costs two D1 queries for the handle and a batch in the viewer's database, which writes the
 * mute, the feed entries that leave and at most three rows for a refill, or nothing if nothing changes.
 */
async function setMuted(c: Context<App>, handle: string, wanted: boolean): Promise<{ mutedByMe: boolean }> {
  const { person } = claimedViewer(c);
  const other = await personByHandle(c.var.reader, handle);
  if (!other) throw new Refusal("person_not_found");
  if (person === other) throw new Refusal("cannot_mute_yourself");
  const { muted, between } = await withFreshIds(async () => {
    const refill = refillOf(person);
    const changes = wanted
      ? [statement(MUTE, person, other), ...leaveFeedStatements([person], other)]
      : [unmutedStatement(person, other), statement(UNMUTE, person, other)];
    const results = await c.var.reader.write<object>(person, [
      ...changes,
      ...refill.statements,
      statement(IS_MUTED, person, other),
      statement(BLOCK_BETWEEN, person, other),
    ]);
    if (results[changes.length]?.changes) c.executionCtx.waitUntil(refill.send(c.env));
    const [muted, between] = results.slice(-2).map((result) => result.rows[0]);
    return { muted, between };
  });
  if (blockOf(between as BlockRow | undefined).theirs) throw new Refusal("person_not_found");
  if (wanted && !muted) throw new Refusal("too_many_mutes");
  return { mutedByMe: muted !== undefined };
}

const MUTE = textOf(sql`
  INSERT INTO ${mutesTable} (${list(mutesTable.person, mutesTable.other)}) SELECT ?1, ?2
  WHERE (SELECT count(*) FROM ${mutesTable} WHERE ${mutesTable.person} = ?1) < ${literal(MUTES_MAX)}
  ON CONFLICT DO NOTHING`);
const UNMUTE = textOf(sql`DELETE FROM ${mutesTable} WHERE ${mutesTable.person} = ?1 AND ${mutesTable.other} = ?2`);
const IS_MUTED = textOf(sql`SELECT 1 FROM ${mutesTable} WHERE ${mutesTable.person} = ?1 AND ${mutesTable.other} = ?2`);
const MUTED = textOf(sql`
  SELECT ${mutesTable.other} FROM ${mutesTable} WHERE ${mutesTable.person} = ?1 AND ${mutesTable.other} < ?2
  ORDER BY ${mutesTable.other} DESC LIMIT ?3`);
type MutedRow = Pick<typeof mutesTable.$inferSelect, "other">;
