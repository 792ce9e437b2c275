import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import { Handle, Muted, PeoplePage } from "../../../schema/api/people.ts";
import { AFTER_EVERY_ID, type PersonId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { BETWEEN, blockOf, type BlockRow } from "../../reads/blocks.ts";
import { fullPage } from "../../reads/full-page.ts";
import { personByHandle } from "../../reads/people.ts";
import { peopleSeenBy } from "../../reads/visibility.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { type App, json, refusals, routes, requireViewer } from "../../http/routes.ts";

/** Bounded, because a page of a feed checks each author on it, and skips the posts of muted ones. */
export const MUTES_MAX = 1000;

export const mutes = routes();

mutes.openapi(
  createRoute({
    method: "put",
    path: "/people/{handle}/mute",
    summary: "Mute a person",
    description:
      "Their posts leave the viewer's feed, and what they do raises no notifications for the viewer. They are not " +
      "notified, and nothing else changes. Repeating it changes nothing.",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Muted), ...refusals },
  }),
  async (c) => c.json(await setMuted(c, c.req.valid("param").handle, true), 200),
);

mutes.openapi(
  createRoute({
    method: "delete",
    path: "/people/{handle}/mute",
    summary: "Unmute a person",
    description: "What they have posted in the meantime appears in the viewer's feed as if they had never been muted.",
    request: { params: z.object({ handle: Handle }) },
    responses: { 200: json(Muted), ...refusals },
  }),
  async (c) => c.json(await setMuted(c, c.req.valid("param").handle, false), 200),
);

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
    const { person } = requireViewer(c);
    const { reader } = c.var;
    const { cursor, limit } = c.req.valid("query");
    const { items, next } = await fullPage({
      after: idOfCursor<PersonId>(cursor),
      limit,
      read: async (after, count) => {
        const rows = await reader.primary<{ other: PersonId }>(person, MUTED, person, after ?? AFTER_EVERY_ID, count);
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
 * Mutes or unmutes a person. Costs two D1 queries for the handle and a batch in the viewer's database, which writes
 * nothing if nothing changes.
 */
async function setMuted(c: Context<App>, handle: string, wanted: boolean): Promise<{ mutedByMe: boolean }> {
  const { person } = requireViewer(c);
  const other = await personByHandle(c.env, handle);
  if (!other) throw new ApiError("person_not_found");
  if (person === other) throw new ApiError("cannot_mute_yourself");
  const database = databaseOf(c.env, person);
  const results = await c.var.reader.write<object>(
    person,
    [wanted ? MUTE : UNMUTE, IS_MUTED, BETWEEN].map((sql) => database.prepare(sql).bind(person, other)),
  );
  const [, muted, between] = results.map((result) => result.results[0]);
  if (blockOf(between as BlockRow | undefined).theirs) throw new ApiError("person_not_found");
  if (wanted && !muted) throw new ApiError("too_many_mutes");
  return { mutedByMe: muted !== undefined };
}

const MUTE = `
  INSERT INTO mutes (person, other) SELECT ?1, ?2
  WHERE (SELECT count(*) FROM mutes WHERE person = ?1) < ${MUTES_MAX} ON CONFLICT DO NOTHING`;
const UNMUTE = "DELETE FROM mutes WHERE person = ?1 AND other = ?2";
const IS_MUTED = "SELECT 1 FROM mutes WHERE person = ?1 AND other = ?2";
const MUTED = "SELECT other FROM mutes WHERE person = ?1 AND other < ?2 ORDER BY other DESC LIMIT ?3";
