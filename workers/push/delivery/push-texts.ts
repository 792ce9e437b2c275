/** Texts of pushes. They resemble those of the web client's inbox (web/components/notifications/notification-row.tsx). */
import { toBase64url } from "../../../schema/base64url.ts";
import type { PushPayload } from "../../../schema/api/push.ts";
import type { PersonCard } from "../../../schema/api/people.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { squareUrl } from "../../../schema/media/squares.ts";
import type { NotificationKind } from "../../../schema/notifications.ts";
import { excerpt } from "../../../schema/text.ts";

/** The fields that notifications of every kind share. */
export type NotificationContent = {
  kind: NotificationKind;
  actors: PersonCard[];
  count: number;
  post?: { id: string } | undefined;
  excerpt?: string | null | undefined;
  device?: string | undefined;
};

export type Urgency = "low" | "normal";
/**
 * A push as its service receives it. While pushes wait for a device, a newer one replaces an older one with the same
 * `topic`. `ttl` is how long the push may wait, in seconds.
 */
export type Push = { payload: PushPayload; topic: string; urgency: Urgency; ttl: number };

const DAY = 24 * 60 * 60; // s
// Longer texts are cut, because one record of RFC 8188 holds 3,993 bytes.
const TITLE_MAX = 120; // graphemes
const BODY_MAX = 300; // graphemes
/** A second limit, in bytes, because one grapheme may take many. Leaves room for the other fields of the payload. */
const TEXT_BYTES_MAX = 3000;

const numberFormat = new Intl.NumberFormat("en-GB", { notation: "compact" });
const listFormat = new Intl.ListFormat("en-GB", { type: "conjunction" });
const counted = (count: number, one: string, many = `${one}s`): string =>
  `${numberFormat.format(count)} ${count === 1 ? one : many}`;

const ACTIONS: Record<NotificationKind, (notification: NotificationContent) => string> = {
  like: () => "liked your post",
  comment: ({ count }) => (count > 1 ? `left ${counted(count, "comment")}` : "commented on your post"),
  reply: ({ count }) => (count > 1 ? `left ${counted(count, "reply", "replies")}` : "replied to you"),
  mention: () => "mentioned you",
  comment_like: () => "liked your comment",
  follow: ({ count }) => (count > 1 ? "follow you" : "follows you"),
  follow_request: ({ count }) => (count > 1 ? "want to follow you" : "wants to follow you"),
  request_accepted: () => "accepted your follow request",
  new_post: () => "published a new post",
  new_device: () => "New sign-in to your account",
  moderation: () => "A moderator has made a decision about you",
};

/** Kinds with one event per person, so that the count of events is the number of people. */
const ONE_EVENT_PER_PERSON: ReadonlySet<NotificationKind> = new Set([
  "like",
  "comment_like",
  "follow",
  "follow_request",
  "request_accepted",
]);
/** Kinds that say everything without the name of a person. */
const NAME_NOBODY: ReadonlySet<NotificationKind> = new Set(["new_device", "moderation"]);
/** Kinds that the recipient may want to act on soon: texts that people write, follow requests, and sign-ins. */
const IS_URGENT: ReadonlySet<NotificationKind> = new Set([
  "comment",
  "reply",
  "mention",
  "follow_request",
  "new_device",
]);

/**
 * Returns the push for one notification, whose `version` and `at` it carries. `subject` is what the notification is
 * about.
 */
export async function pushOf(
  recipient: PersonId,
  subject: string,
  notification: NotificationContent,
  { version, at }: { version: number; at: number },
): Promise<Push> {
  const { kind } = notification;
  const action = ACTIONS[kind](notification);
  const title = NAME_NOBODY.has(kind) ? action : excerpt(`${actorsOf(notification)} ${action}`.trim(), TITLE_MAX);
  const body = kind === "new_device" ? (notification.device ?? "") : quoted(notification.excerpt);
  const icon = NAME_NOBODY.has(kind) ? undefined : notification.actors[0]?.picture;
  const payload = {
    ...fitting(title, body),
    version,
    url: urlOf(notification),
    at,
    ...(icon !== undefined && { icon: squareUrl(icon, "s192") }),
  };
  return {
    ...(await withTopic(recipient, `${kind} ${subject}`, payload)),
    ...(IS_URGENT.has(kind) ? { urgency: "normal", ttl: 3 * DAY } : { urgency: "low", ttl: DAY }),
  };
}

/** Returns one push for the `count` notifications that exceed the pace (pace.ts). */
export async function summaryOf(recipient: PersonId, count: number, now: number): Promise<Push> {
  const payload = {
    title: counted(count, "more notification"),
    body: "",
    version: now,
    url: "/notifications",
    at: now,
  };
  return { ...(await withTopic(recipient, "more", payload)), urgency: "low", ttl: DAY };
}

// The push service sees the topic, so it is a digest that reveals nothing. Its 24 bytes fill the 32 characters that a
// topic may have.
async function withTopic(
  recipient: PersonId,
  tag: string,
  payload: Omit<PushPayload, "tag">,
): Promise<Pick<Push, "payload" | "topic">> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${recipient} ${tag}`));
  const topic = toBase64url(new Uint8Array(digest, 0, 24));
  return { payload: { ...payload, tag }, topic };
}

const quoted = (text: string | null | undefined): string => (text ? `“${excerpt(text, BODY_MAX)}”` : "");

function actorsOf({ kind, actors, count }: NotificationContent): string {
  const names = actors.map(({ name, handle }) => name || `@${handle}`);
  const others = ONE_EVENT_PER_PERSON.has(kind) ? count - names.length : 0;
  return listFormat.format(others > 0 ? [...names, counted(others, "other")] : names);
}

function urlOf({ kind, actors, post }: NotificationContent): string {
  if (kind === "follow_request") return "/notifications";
  if (kind === "new_device") return "/settings/security";
  if (kind === "moderation") return "/decisions";
  if (post) return `/posts/${post.id}`;
  const [newest] = actors;
  return newest && actors.length === 1 ? `/people/${newest.handle}` : "/notifications";
}

/** Drops the body, then the title, if the two exceed TEXT_BYTES_MAX. */
function fitting(title: string, body: string): { title: string; body: string } {
  const bytes = new TextEncoder().encode(JSON.stringify([title, body])).length;
  if (bytes <= TEXT_BYTES_MAX) return { title, body };
  return body === "" ? { title: "Shutterline", body } : fitting(title, "");
}
