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
    moved: z.number().int().openapi({ description: "Rows that this phase has dealt with" }),
    waitMs: z
      .number()
      .int()
      .openapi({ description: "How long the next step must wait; one that comes earlier does nothing" }),
    reason: z.string().optional().openapi({ description: "Why it was aborted, if not by the operator" }),
  })
  .openapi("ShardMove");
export type ShardMove = z.infer<typeof ShardMove>;

export const ShardMap = z
  .object({ ranges: z.array(ShardRange), move: ShardMove.optional().openapi({ description: "The one under way" }) })
  .openapi("ShardMap");
export type ShardMap = z.infer<typeof ShardMap>;

export const MoveShards = z
  .object({ first: Shard, last: Shard, target: Database })
  .refine(({ first, last }) => first <= last, { error: "The last shard is before the first" })
  .openapi("MoveShards");
