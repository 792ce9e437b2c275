import { createRoute } from "@hono/zod-openapi";
import { PageQuery } from "../../schema/api/common.ts";
import { MarkRead, NotificationPage } from "../../schema/api/notifications.ts";
import { fullPage } from "../reads/full-page.ts";
import {
  isNotificationKey,
  markRead,
  notificationKey,
  notificationsOf,
  presentNotifications,
  unreadCount,
} from "../reads/notifications.ts";
import { decodeCursor, pageWithCursor } from "./cursors.ts";
import { ApiError } from "./errors.ts";
import { body, json, refusals, routes, signedIn } from "./routes.ts";

export const notifications = routes();

notifications.openapi(
  createRoute({
    method: "get",
    path: "/notifications",
    summary: "What the caller is told, newest first",
    request: { query: PageQuery },
    responses: { 200: json(NotificationPage), ...refusals },
  }),
  async (c) => {
    const recipient = signedIn(c);
    const { person } = recipient;
    const { cursor, limit } = c.req.valid("query");
    const [unread, { items, next }] = await Promise.all([
      unreadCount(c.var.reader, recipient),
      fullPage({
        after: cursor === undefined ? undefined : keyOfCursor(cursor),
        limit,
        read: (after, count) => notificationsOf(c.var.reader, person, after, count),
        keyOf: notificationKey,
        itemKey: notificationKey,
        show: (rows) => presentNotifications(c.var.reader, rows),
      }),
    ]);
    return c.json({ ...pageWithCursor(items, next), unread }, 200);
  },
);

notifications.openapi(
  createRoute({
    method: "post",
    path: "/notifications/read",
    summary: "Say that everything up to a time has been seen",
    request: body(MarkRead),
    responses: { 204: { description: "Noted" }, ...refusals },
  }),
  async (c) => {
    const { person } = signedIn(c);
    await markRead(c.env, person, Date.parse(c.req.valid("json").upTo));
    return c.body(null, 204);
  },
);

function keyOfCursor(cursor: string): string {
  const [key] = decodeCursor(cursor, 1);
  if (!isNotificationKey(key)) throw new ApiError("invalid_cursor");
  return key;
}
