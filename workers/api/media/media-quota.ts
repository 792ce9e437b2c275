import { createRoute } from "@hono/zod-openapi";
import { Quota } from "../../../schema/api/uploads.ts";
import { quotaOf } from "../../media/uploads/reserve.ts";
import { json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const mediaQuota = routes();

mediaQuota.openapi(
  createRoute({
    method: "get",
    path: "/me/media-quota",
    summary: "Get the viewer's storage quota and usage",
    responses: { 200: json(Quota), ...refusals },
  }),
  async (c) => c.json(await quotaOf(c.env, (await requireViewer(c)).person), 200, { "cache-control": "no-store" }),
);
