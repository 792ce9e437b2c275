/** The state of the deployment, for the operator and their monitoring. */
import { createRoute, z } from "@hono/zod-openapi";
import { Status } from "../../../schema/api/status.ts";
import { metricsOf } from "../../operations/metrics.ts";
import { statusOf } from "../../operations/status.ts";
import { json, refusals, routes } from "../../http/routes.ts";

export const status = routes();

status.openapi(
  createRoute({
    method: "get",
    path: "/status",
    summary: "Get the status of queues, effects, projections, deliveries and dead letters",
    responses: { 200: json(Status), ...refusals },
  }),
  async (c) => c.json(await statusOf(c.env), 200),
);

status.openapi(
  createRoute({
    method: "get",
    path: "/metrics",
    summary: "Get the same status in the Prometheus text format",
    responses: { 200: { content: { "text/plain": { schema: z.string() } }, description: "OK" }, ...refusals },
  }),
  async (c) =>
    c.text(metricsOf(await statusOf(c.env)), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
);
