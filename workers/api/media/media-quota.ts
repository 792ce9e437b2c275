import { createRoute } from "@hono/zod-openapi";
import { Quota } from "../../../schema/api/uploads.ts";
import { quotaOf } from "../../media/uploads/reserve.ts";
import { json, refusals, routes, signedIn } from "../../http/routes.ts";

export const mediaQuota = routes();

mediaQuota.openapi(
  createRoute({
    method: "get",
    path: "/me/media-quota",
    summary: "How much room there is for the caller's files",
    responses: { 200: json(Quota), ...refusals },
  }),
  async (c) => c.json(await quotaOf(c.env, signedIn(c).person), 200, { "cache-control": "no-store" }),
);
