import { z } from "@hono/zod-openapi";
import { LOGICAL_SHARDS } from "../ids.ts";
import { PHASES } from "../tables/shards.ts";

const Shard = z
  .number()
  .int()
  .min(0)
  .max(LOGICAL_SHARDS - 1);
const Database = z.string().max(100).openapi({ description: "The binding of a database", example: "DB_1" });

export const ShardRange = z.object({ first: Shard, last: Shard, database: Database }).openapi("ShardRange");

export const ShardMove = z
  .object({
    id: z.number().int(),
    first: Shard,
    last: Shard,
    source: Database,
    target: Database,
    phase: z.enum(PHASES),
    moved: z.number().int().openapi({ description: "Rows processed in the current phase" }),
    waitMs: z
      .number()
      .int()
      .openapi({ description: "How long to wait before the next step; an earlier step has no effect" }),
    reason: z.string().optional().openapi({ description: "Why the move was aborted, unless the operator did it" }),
  })
  .openapi("ShardMove");
export type ShardMove = z.infer<typeof ShardMove>;

export const ShardMap = z
  .object({
    ranges: z.array(ShardRange),
    move: ShardMove.optional().openapi({ description: "The move under way, if any" }),
  })
  .openapi("ShardMap");
export type ShardMap = z.infer<typeof ShardMap>;

export const MoveShards = z
  .object({ first: Shard, last: Shard, target: Database })
  .refine(({ first, last }) => first <= last, { error: "The last shard must not be below the first" })
  .openapi("MoveShards");
