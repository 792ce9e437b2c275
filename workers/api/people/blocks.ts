import { statement } from "../../../schema/d1/database.ts";
import { createRoute, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import { Blocked, Handle, PeoplePage } from "../../../schema/api/people.ts";
import { STORE_TIMEOUT, within } from "../../../schema/d1/deadline.ts";
import { bare, list, textOf } from "../../../schema/d1/sql.ts";
import type { Effect } from "../../../schema/messages/effects.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { blocks as blocksTable } from "../../../schema/tables/people.ts";
import { applyBlock } from "../../relations/block.ts";
import { checkSockets } from "../../notifications/socket-hints.ts";
import { endFollowStatements } from "../../relations/unfollow.ts";
import { newEffect, saveEffectIf, sendEffect } from "../../storage/effects.ts";
import { withFreshIds } from "../../storage/fresh-ids.ts";
import { blockedBy } from "../../reads/blocks.ts";
import { personDocuments } from "../../reads/documents.ts";
import { fullPage } from "../../reads/full-page.ts";
import { personByHandle } from "../../reads/people.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { logWarning } from "../../../schema/log.ts";
import { claimedViewer, type App, json, refusals, routes } from "../../http/routes.ts";

export const blocks = routes();

for (const { wanted, ...operation } of [
  {
    method: "put",
    wanted: true,
    summary: "Block a person",
    description:
      "From now on neither sees anything of the other, and neither follows the other. A blocked person may block " +
      "back. Repeating it changes nothing.",
  },
  {
    method: "delete",
    wanted: false,
    summary: "Unblock a person",
    description: "Both may follow each other again, but the follows that the block ended are not restored.",
  },
] as const) {
  blocks.openapi(
    createRoute({
      ...operation,
      path: "/people/{handle}/block",
      request: { params: z.object({ handle: Handle }) },
      responses: { 200: json(Blocked), ...refusals },
    }),
    async (c) => {
      await setBlocked(c, c.req.valid("param").handle, wanted);
      return c.json({ blockedByMe: wanted }, 200);
    },
  );
}

blocks.openapi(
  createRoute({
    method: "get",
    path: "/me/blocks",
    summary: "List the people whom the viewer has blocked",
    description: "Ordered by sign-up, newest first.",
    request: { query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    const { cursor, limit } = c.req.valid("query");
    const { items, next } = await fullPage({
      after: idOfCursor<PersonId>(cursor),
      limit,
      read: (after, count) => blockedBy(c.var.reader, person, after, count),
      keyOf: (id) => id,
      itemKey: (id) => id,
      show: (ids) => personDocuments.get(c.var.reader, ids),
    });
    return c.json(pageWithCursor(items, next), 200);
  },
);

/**
 * Blocks or unblocks a person. Costs seven D1 queries, eight if the two live in two databases: two for the handle, a
 * batch in the viewer's database, which writes nothing if nothing changes, and after a change three for the effect and
 * one for their sockets. The effect is applied before the response, so that the block holds from then on. If that
 * fails, the block is kept and its queue applies the effect as soon as possible.
 */
async function setBlocked(c: Context<App>, handle: string, wanted: boolean): Promise<void> {
  const { person } = claimedViewer(c);
  const other = await personByHandle(c.var.reader, handle);
  if (!other) throw new Refusal("person_not_found");
  if (person === other) throw new Refusal("cannot_block_yourself");

  const changed = await withFreshIds(() => (wanted ? block(c, person, other) : unblock(c, person, other)));
  // A block that stood before may not be applied yet, if its sender repeats it for lack of a response.
  const effect = changed ?? (wanted ? newBlockEffect(person, other) : undefined);
  if (!effect) return;
  try {
    await within(STORE_TIMEOUT, applyBlock(c.env, effect), "D1");
  } catch (error) {
    logWarning("block not applied at once", { id: effect.id, error: String(error) });
    c.executionCtx.waitUntil(sendEffect(c.env, effect));
  }
  await checkSockets(c.env, [person, other]);
}

type BlockEffect = Extract<Effect, { kind: "block" }>;

/** Returns the effect if anything has changed. */
async function block(c: Context<App>, person: PersonId, other: PersonId): Promise<BlockEffect | undefined> {
  const effect = newBlockEffect(person, other);
  const end = endFollowStatements(person, other);
  const [saved, ended] = await c.var.reader.write(person, [
    saveEffectIf(effect, HAS_NOT_BLOCKED, [person, other]),
    ...end.statements,
    statement(BLOCK, person, other),
  ]);
  if (ended && ended.changes > 0) c.executionCtx.waitUntil(sendEffect(c.env, end.effect));
  return saved && saved.changes > 0 ? effect : undefined;
}

async function unblock(
  { var: { reader } }: Context<App>,
  person: PersonId,
  other: PersonId,
): Promise<BlockEffect | undefined> {
  const effect = newBlockEffect(person, other);
  const [saved] = await reader.write(person, [
    saveEffectIf(effect, HAS_BLOCKED, [person, other]),
    statement(UNBLOCK, person, other),
  ]);
  return saved && saved.changes > 0 ? effect : undefined;
}

const newBlockEffect = (person: PersonId, other: PersonId): BlockEffect =>
  newEffect(person, { kind: "block", person, other });

const HAS_BLOCKED = textOf(sql`EXISTS (
  SELECT 1 FROM ${blocksTable}
  WHERE ${blocksTable.person} = ?4 AND ${blocksTable.other} = ?5 AND ${blocksTable.mine} = 1)`);
const HAS_NOT_BLOCKED = `NOT ${HAS_BLOCKED}`;
const BLOCK = textOf(sql`
  INSERT INTO ${blocksTable} (${list(
    blocksTable.person,
    blocksTable.other,
    blocksTable.mine,
    blocksTable.version,
    blocksTable.theirs,
    blocksTable.theirVersion,
  )})
  VALUES (?1, ?2, 1, 1, 0, 0)
  ON CONFLICT DO UPDATE SET ${bare(blocksTable.mine)} = 1, ${bare(blocksTable.version)} = ${blocksTable.version} + 1
  WHERE ${blocksTable.mine} = 0`);
const UNBLOCK = textOf(sql`
  UPDATE ${blocksTable} SET ${bare(blocksTable.mine)} = 0, ${bare(blocksTable.version)} = ${blocksTable.version} + 1
  WHERE ${blocksTable.person} = ?1 AND ${blocksTable.other} = ?2 AND ${blocksTable.mine} = 1`);
