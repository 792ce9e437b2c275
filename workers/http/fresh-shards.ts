import { createMiddleware } from "hono/factory";
import { renewShards } from "../../schema/d1/shards.ts";
import type { App } from "./routes.ts";

/** Renews the shard map, so that a request finds rows that have moved. Costs nothing with one database. */
export const freshShards = createMiddleware<App>(async (c, next) => {
  await renewShards(c.env, { waitUntil: (renewed) => c.executionCtx.waitUntil(renewed) });
  await next();
});
