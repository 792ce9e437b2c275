/** Moves of shards between databases. The operator's program begins a move and requests steps until it is done. */
import { createRoute, z } from "@hono/zod-openapi";
import { MoveShards, ShardMap, ShardMove } from "../../../schema/api/shards.ts";
import { readShards } from "../../../schema/d1/shards.ts";
import { abortMove, beginMove, type Move, openMove } from "../../shards/moves.ts";
import { step, waitOf } from "../../shards/phases.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";

export const shards = routes();

const params = z.object({ id: z.coerce.number().int().positive() });

shards.openapi(
  createRoute({
    method: "get",
    path: "/shards",
    summary: "Show which database holds which shards, and the move under way",
    responses: { 200: json(ShardMap), ...refusals },
  }),
  async (c) => {
    const [ranges, move] = await Promise.all([readShards(c.env), openMove(c.env)]);
    const shown = ranges.map(({ binding: database, first, last }) => ({ first, last, database }));
    return c.json({ ranges: shown, ...(move && { move: present(move) }) }, 200);
  },
);

shards.openapi(
  createRoute({
    method: "post",
    path: "/shards/moves",
    summary: "Begin to move shards to another database, or return that move if it is under way",
    request: body(MoveShards),
    responses: { 200: json(ShardMove), ...refusals },
  }),
  async (c) => c.json(present(await beginMove(c.env, c.req.valid("json"))), 200),
);

shards.openapi(
  createRoute({
    method: "post",
    path: "/shards/moves/{id}/steps",
    summary: "Run the next step of a move",
    description: "Safe to repeat at any time, for example after a step without a response.",
    request: { params },
    responses: { 200: json(ShardMove), ...refusals },
  }),
  async (c) => c.json(present(await step(c.env, c.req.valid("param").id)), 200),
);

shards.openapi(
  createRoute({
    method: "post",
    path: "/shards/moves/{id}/abort",
    summary: "Abort a move that is not published yet; the next steps undo it",
    request: { params },
    responses: { 200: json(ShardMove), ...refusals },
  }),
  async (c) => c.json(present(await abortMove(c.env, c.req.valid("param").id)), 200),
);

function present(move: Move): ShardMove {
  const { id, first, last, source, target, phase, moved, reason } = move;
  const waitMs = Math.ceil(waitOf(move));
  return { id, first, last, source, target, phase, moved, waitMs, ...(reason !== null && { reason }) };
}
