import { createRoute, z } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { MarkRead, NotificationId, NotificationPage } from "../../../schema/api/notifications.ts";
import { fullPage } from "../../reads/full-page.ts";
import { inboxEntries, entryKey, isEntryKey, markAllRead, markOneRead } from "../../notifications/inbox.ts";
import { presentNotifications, unreadCount } from "../../notifications/present-notifications.ts";
import { sendHints } from "../../notifications/socket-hints.ts";
import { decodeCursor, pageWithCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { claimedViewer, body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const notifications = routes();

notifications.openapi(
  createRoute({
    method: "get",
    path: "/notifications",
    summary: "List the notifications in the viewer's inbox, newest first",
    description:
      "One notification for each kind and subject, which grows as more people act. An inbox keeps the newest 700 from people " +
      "whom the viewer follows, the newest 300 from everybody else, at most 50 from one person, and all follow requests.",
    request: { query: PageQuery },
    responses: { 200: json(NotificationPage), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    const { reader } = c.var;
    const { cursor, limit } = c.req.valid("query");
    const [unread, { items, next }] = await Promise.all([
      unreadCount(reader, person),
      fullPage({
        after: cursor === undefined ? undefined : keyOfCursor(cursor),
        limit,
        read: (after, count) => inboxEntries(reader, person, after, count),
        keyOf: entryKey,
        itemKey: entryKey,
        show: (rows) => presentNotifications(reader, rows),
      }),
    ]);
    return c.json({ ...pageWithCursor(items, next), unread }, 200);
  },
);

notifications.openapi(
  createRoute({
    method: "post",
    path: "/notifications/read",
    summary: "Mark all notifications up to a time as read",
    request: body(MarkRead),
    responses: { 204: { description: "Marked as read" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    await markAllRead(c.var.reader, person, Date.parse(c.req.valid("json").upTo));
    c.executionCtx.waitUntil(sendHints(c.env, [person])); // For the person's other clients.
    return c.body(null, 204);
  },
);

notifications.openapi(
  createRoute({
    method: "post",
    path: "/notifications/{notification}/read",
    summary: "Mark one notification as read, as it was at a time",
    request: { params: z.object({ notification: NotificationId }), ...body(MarkRead) },
    responses: { 204: { description: "Marked as read" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const [kind = "", subject = ""] = c.req.valid("param").notification.split(".");
    const upTo = Date.parse(c.req.valid("json").upTo);
    if (!(await markOneRead(c.var.reader, person, { kind, subject }, upTo)))
      throw new Refusal("notification_not_found");
    c.executionCtx.waitUntil(sendHints(c.env, [person]));
    return c.body(null, 204);
  },
);

function keyOfCursor(cursor: string): string {
  const [key] = decodeCursor(cursor, 1);
  if (!isEntryKey(key)) throw new Refusal("invalid_cursor");
  return key;
}
