/** The operator's routes for dead letters: messages that failed for good. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  DeadLetterPage,
  DeadLetterQuery,
  type DeadLetterSummary,
  DeadLetterDetails,
  Replay,
  ReplayResult,
} from "../../../schema/api/dead-letters.ts";
import { deadLetter, discard, type LetterRow, listDeadLetters } from "../../operations/dead-letters.ts";
import { replay, replayFrom } from "../../operations/replay.ts";
import { decodeCursor, encodeCursor, pageWithCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";

export const deadLetterRoutes = routes();

const params = z.object({ id: z.coerce.number().int().positive() });

deadLetterRoutes.openapi(
  createRoute({
    method: "get",
    path: "/dead-letters",
    summary: "List dead letters, newest first",
    request: { query: DeadLetterQuery },
    responses: { 200: json(DeadLetterPage), ...refusals },
  }),
  async (c) => {
    const { cursor, limit, queue, state } = c.req.valid("query");
    const before = cursor === undefined ? undefined : numberOf(decodeCursor(cursor, 1)[0]);
    const rows = await listDeadLetters(c.env, { queue, replayed: state === "replayed", before }, limit + 1);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return c.json(pageWithCursor(items.map(present), last && String(last.id)), 200);
  },
);

deadLetterRoutes.openapi(
  createRoute({
    method: "get",
    path: "/dead-letters/{id}",
    summary: "Get a dead letter with its body",
    request: { params },
    responses: { 200: json(DeadLetterDetails), ...refusals },
  }),
  async (c) => {
    const found = await deadLetter(c.env, c.req.valid("param").id);
    if (!found) throw new Refusal("dead_letter_not_found");
    return c.json({ ...present(found), body: JSON.parse(found.body) as unknown }, 200);
  },
);

deadLetterRoutes.openapi(
  createRoute({
    method: "post",
    path: "/dead-letters/{id}/replay",
    summary: "Replay a dead letter: send it to its queue again",
    description: "Safe to repeat: the message is then delivered twice, which its consumer tolerates.",
    request: { params },
    responses: { 204: { description: "Accepted by its queue" }, ...refusals },
  }),
  async (c) => {
    const { replayed, unknown } = await replay(c.env, [c.req.valid("param").id]);
    if (unknown.length > 0) throw new Refusal("queue_unknown");
    if (replayed.length === 0) throw new Refusal("dead_letter_not_found");
    return c.body(null, 204);
  },
);

deadLetterRoutes.openapi(
  createRoute({
    method: "post",
    path: "/dead-letters/replay",
    summary: "Replay many dead letters",
    description: "Either those of `ids` that exist, or a page of all that wait.",
    request: body(Replay),
    responses: { 200: json(ReplayResult), ...refusals },
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

deadLetterRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/dead-letters/{id}",
    summary: "Discard a dead letter; does nothing if it does not exist",
    request: { params },
    responses: { 204: { description: "Discarded" }, ...refusals },
  }),
  async (c) => {
    await discard(c.env, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

function numberOf(part: string): number {
  if (!/^\d{1,15}$/.test(part)) throw new Refusal("invalid_cursor");
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
    firstAt: timestamp(row.firstAt),
    lastAt: timestamp(row.lastAt),
    ...(row.replayedAt !== null && { replayedAt: timestamp(row.replayedAt) }),
    bytes,
  };
}

const timestamp = (at: number): string => new Date(at).toISOString();
