import { createRoute } from "@hono/zod-openapi";
import { PushKey, PushSubscription, Unsubscribe } from "../../../schema/api/push.ts";
import { isPushService } from "../../push/delivery/services.ts";
import { isUsableKey, subscribe, unsubscribe } from "../../push/subscriptions.ts";
import { type Vapid, vapidOf } from "../../push/delivery/vapid.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const pushSubscriptions = routes();

pushSubscriptions.openapi(
  createRoute({
    method: "get",
    path: "/push-subscriptions/key",
    summary: "Get the public key that browsers need to subscribe to pushes",
    responses: { 200: json(PushKey), ...refusals },
  }),
  (c) => c.json({ key: setUp(c.env).publicKey }, 200),
);

pushSubscriptions.openapi(
  createRoute({
    method: "put",
    path: "/push-subscriptions",
    summary: "Subscribe this device to pushes",
    description:
      "Lasts as long as the session. A device belongs to one person: the person who used it before gets no more " +
      "pushes there. Each person keeps the 20 newest subscriptions.",
    request: body(PushSubscription),
    responses: { 204: { description: "Subscribed" }, ...refusals },
  }),
  async (c) => {
    const viewer = await requireViewer(c);
    setUp(c.env);
    const subscription = c.req.valid("json");
    if (!isPushService(c.env, subscription.endpoint))
      throw invalid("endpoint", "Not the endpoint of a known push service");
    if (!(await isUsableKey(subscription.keys))) throw invalid("keys.p256dh", "Not a valid P-256 public key");
    if (!(await subscribe(c.var.reader, viewer, subscription))) throw new Refusal("push_subscription_not_found");
    return c.body(null, 204);
  },
);

pushSubscriptions.openapi(
  createRoute({
    method: "delete",
    path: "/push-subscriptions",
    summary: "Unsubscribe this device from pushes",
    request: body(Unsubscribe),
    responses: { 204: { description: "Unsubscribed" }, ...refusals },
  }),
  async (c) => {
    const viewer = await requireViewer(c);
    const { endpoint } = c.req.valid("json");
    if (!(await unsubscribe(c.var.reader, viewer, endpoint))) throw new Refusal("push_subscription_not_found");
    return c.body(null, 204);
  },
);

function setUp(env: Env): Vapid {
  const vapid = vapidOf(env);
  if (!vapid) throw new Refusal("push_not_set_up");
  return vapid;
}

const invalid = (path: string, message: string): Refusal =>
  new Refusal("invalid_request", message, [{ path, message }]);
