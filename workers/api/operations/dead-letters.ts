/** The operator's view of messages that were given up on. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  DeadLetterPage,
  DeadLetterQuery,
  type DeadLetterSummary,
  DeadLetterWhole,
  Replay,
  ReplayedLetters,
} from "../../../schema/api/dead-letters.ts";
import { deadLetter, deadLetters, discard, type LetterRow } from "../../operations/dead-letters.ts";
import { replay, replayFrom } from "../../operations/replay.ts";
import { decodeCursor, encodeCursor, pageWithCursor } from "../../http/cursors.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";

export const letters = routes();

const params = z.object({ id: z.coerce.number().int().positive() });

letters.openapi(
  createRoute({
    method: "get",
    path: "/dead-letters",
    summary: "Messages that were given up on, newest first",
    request: { query: DeadLetterQuery },
    responses: { 200: json(DeadLetterPage), ...refusals },
  }),
  async (c) => {
    const { cursor, limit, queue, state } = c.req.valid("query");
    const before = cursor === undefined ? undefined : numberOf(decodeCursor(cursor, 1)[0]);
    const rows = await deadLetters(c.env, { queue, replayed: state === "replayed", before }, limit + 1);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return c.json(pageWithCursor(items.map(present), last && String(last.id)), 200);
  },
);

letters.openapi(
  createRoute({
    method: "get",
    path: "/dead-letters/{id}",
    summary: "One of them, with its body",
    request: { params },
    responses: { 200: json(DeadLetterWhole), ...refusals },
  }),
  async (c) => {
    const found = await deadLetter(c.env, c.req.valid("param").id);
    if (!found) throw new ApiError("dead_letter_not_found");
    return c.json({ ...present(found), body: JSON.parse(found.body) as unknown }, 200);
  },
);

letters.openapi(
  createRoute({
    method: "post",
    path: "/dead-letters/{id}/replay",
    summary: "Send one to its queue again",
    description: "May be repeated: then the message comes twice, which its consumer takes.",
    request: { params },
    responses: { 204: { description: "Its queue has accepted it" }, ...refusals },
  }),
  async (c) => {
    const { replayed, unknown } = await replay(c.env, [c.req.valid("param").id]);
    if (unknown.length > 0) throw new ApiError("queue_unknown");
    if (replayed.length === 0) throw new ApiError("dead_letter_not_found");
    return c.body(null, 204);
  },
);

letters.openapi(
  createRoute({
    method: "post",
    path: "/dead-letters/replay",
    summary: "Send many to their queues again",
    description: "Those that are named, whichever of them are there; or a page of all that wait.",
    request: body(Replay),
    responses: { 200: json(ReplayedLetters), ...refusals },
  }),
  async (c) => {
    const { ids, queue, cursor } = c.req.valid("json");
    if (ids) return c.json(await replay(c.env, ids), 200);
    const [after = "0", upTo] = cursor === undefined ? [] : decodeCursor(cursor, 2);
    const place = { after: numberOf(after), ...(upTo !== undefined && { upTo: numberOf(upTo) }) };
    const { next, ...done } = await replayFrom(c.env, queue, place);
    return c.json({ ...done, ...(next && { next: encodeCursor([String(next.after), String(next.upTo)]) }) }, 200);
  },
);

letters.openapi(
  createRoute({
    method: "delete",
    path: "/dead-letters/{id}",
    summary: "Discard one; nothing happens if it is not there",
    request: { params },
    responses: { 204: { description: "It is not there" }, ...refusals },
  }),
  async (c) => {
    await discard(c.env, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

function numberOf(part: string): number {
  if (!/^\d{1,15}$/.test(part)) throw new ApiError("invalid_cursor");
  return Number(part);
}

function present(row: LetterRow): DeadLetterSummary {
  const { id, queue, subject, reason, attempts, deaths, replays, bytes } = row;
  return {
    id,
    queue,
    subject,
    ...(reason !== null && { reason }),
    attempts,
    deaths,
    replays,
    firstAt: timestamp(row.first_at),
    lastAt: timestamp(row.last_at),
    ...(row.replayed_at !== null && { replayedAt: timestamp(row.replayed_at) }),
    bytes,
  };
}

const timestamp = (at: number): string => new Date(at).toISOString();
