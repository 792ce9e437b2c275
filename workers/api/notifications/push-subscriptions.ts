import { createRoute } from "@hono/zod-openapi";
import { PushKey, PushSubscription, Unsubscribe } from "../../../schema/api/push.ts";
import { isPushService } from "../../push/services.ts";
import { areUsable, subscribe, unsubscribe } from "../../push/subscriptions.ts";
import { type Vapid, vapidOf } from "../../push/vapid.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes, signedIn } from "../../http/routes.ts";

export const pushSubscriptions = routes();

pushSubscriptions.openapi(
  createRoute({
    method: "get",
    path: "/push-subscriptions/key",
    summary: "The key that browsers subscribe to pushes with",
    responses: { 200: json(PushKey), ...refusals },
  }),
  (c) => c.json({ key: setUp(c.env).publicKey }, 200),
);

pushSubscriptions.openapi(
  createRoute({
    method: "put",
    path: "/push-subscriptions",
    summary: "Have this browser told of what is unread",
    description:
      "As long as the session lasts. A browser is one person's: who used it before is not told there any more. Of one " +
      "person's, the 20 that subscribed last are kept.",
    request: body(PushSubscription),
    responses: { 204: { description: "Subscribed" }, ...refusals },
  }),
  async (c) => {
    const viewer = signedIn(c);
    setUp(c.env);
    const subscription = c.req.valid("json");
    if (!isPushService(c.env, subscription.endpoint)) throw invalid("endpoint", "not of a push service that we know");
    if (!(await areUsable(subscription.keys))) throw invalid("keys.p256dh", "not a point of P-256");
    if (!(await subscribe(c.var.reader, viewer, subscription))) throw new ApiError("push_subscription_not_found");
    return c.body(null, 204);
  },
);

pushSubscriptions.openapi(
  createRoute({
    method: "delete",
    path: "/push-subscriptions",
    summary: "Have this browser told no more",
    request: body(Unsubscribe),
    responses: { 204: { description: "Unsubscribed" }, ...refusals },
  }),
  async (c) => {
    const viewer = signedIn(c);
    const { endpoint } = c.req.valid("json");
    if (!(await unsubscribe(c.var.reader, viewer, endpoint))) throw new ApiError("push_subscription_not_found");
    return c.body(null, 204);
  },
);

function setUp(env: Env): Vapid {
  const vapid = vapidOf(env);
  if (!vapid) throw new ApiError("push_not_set_up");
  return vapid;
}

const invalid = (path: string, message: string): ApiError =>
  new ApiError("invalid_request", message, [{ path, message }]);
