/** What a push says, as the rows of the client's inbox say it. */
import type { PushPayload } from "../../schema/api/push.ts";
import type { PersonCard } from "../../schema/api/people.ts";
import type { PersonId } from "../../schema/ids.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { excerpt } from "../../schema/text.ts";

/** What is known of every kind of notification. */
export type Told = {
  kind: NotificationKind;
  actors: PersonCard[];
  count: number;
  post?: { id: string } | undefined;
  excerpt?: string | null | undefined;
};

export type Urgency = "low" | "normal";
/** `topic`: of two that wait for a device, the newer replaces the older one. `ttl`: how long it may wait, in s. */
export type Push = { payload: PushPayload; topic: string; urgency: Urgency; ttl: number };

const DAY = 24 * 60 * 60; // s
/** One record of RFC 8188 holds 3,993 bytes; what is longer than this is cut. */
const TITLE_MAX = 120; // graphemes
const BODY_MAX = 300;
/** A character may be many bytes long, and what surrounds the two has room in the rest. */
const TEXT_BYTES_MAX = 3000;

const plain = new Intl.NumberFormat("en-GB", { notation: "compact" });
const list = new Intl.ListFormat("en-GB", { type: "conjunction" });
const counted = (count: number, one: string, many = `${one}s`): string =>
  `${plain.format(count)} ${count === 1 ? one : many}`;

const DID: Record<NotificationKind, (told: Told) => string> = {
  like: () => "liked your post",
  comment: ({ count }) => (count > 1 ? `left ${counted(count, "comment")}` : "commented on your post"),
  reply: ({ count }) => (count > 1 ? `left ${counted(count, "reply", "replies")}` : "replied to you"),
  mention: () => "mentioned you",
  comment_like: () => "liked your comment",
  follow: ({ count }) => (count > 1 ? "follow you" : "follows you"),
  follow_request: ({ count }) => (count > 1 ? "want to follow you" : "wants to follow you"),
  request_accepted: () => "accepted your request to follow",
  new_post: () => "published a post",
};

/** Of these each event is by a person of its own, so that there are as many people as it counts. */
const BY_ONE_EACH: ReadonlySet<NotificationKind> = new Set([
  "like",
  "comment_like",
  "follow",
  "follow_request",
  "request_accepted",
]);
/** What people have written, and what waits for an answer. */
const TO_ANSWER: ReadonlySet<NotificationKind> = new Set(["comment", "reply", "mention", "follow_request"]);

/** `version` and `at` are the entry's; `subject` is what it is about. */
export async function pushOf(
  recipient: PersonId,
  subject: string,
  told: Told,
  { version, at }: { version: number; at: number },
): Promise<Push> {
  const { kind } = told;
  const title = excerpt(`${who(told)} ${DID[kind](told)}`, TITLE_MAX);
  const body = told.excerpt ? `“${excerpt(told.excerpt, BODY_MAX)}”` : "";
  return {
    ...(await addressed(recipient, `${kind} ${subject}`, { ...fitting(title, body), version, url: urlOf(told), at })),
    ...(TO_ANSWER.has(kind) ? { urgency: "normal", ttl: 3 * DAY } : { urgency: "low", ttl: DAY }),
  };
}

/** For all that is too much to be told one by one. */
export async function summaryOf(recipient: PersonId, count: number, now: number): Promise<Push> {
  const payload = {
    title: counted(count, "more notification"),
    body: "",
    version: now,
    url: "/notifications",
    at: now,
  };
  return { ...(await addressed(recipient, "more", payload)), urgency: "low", ttl: DAY };
}

// The push service sees the topic, so it tells nothing: 24 bytes of a digest are the 32 characters that it may have.
async function addressed(
  recipient: PersonId,
  tag: string,
  payload: Omit<PushPayload, "tag">,
): Promise<Pick<Push, "payload" | "topic">> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${recipient} ${tag}`));
  const topic = new Uint8Array(digest, 0, 24).toBase64({ alphabet: "base64url" });
  return { payload: { ...payload, tag }, topic };
}

function who({ kind, actors, count }: Told): string {
  const names = actors.map(({ name, handle }) => name || `@${handle}`);
  const others = BY_ONE_EACH.has(kind) ? count - names.length : 0;
  return list.format(others > 0 ? [...names, counted(others, "other")] : names);
}

function urlOf({ kind, actors, post }: Told): string {
  if (kind === "follow_request") return "/notifications";
  if (post) return `/posts/${post.id}`;
  const [newest] = actors;
  return newest && actors.length === 1 ? `/people/${newest.handle}` : "/notifications";
}

function fitting(title: string, body: string): { title: string; body: string } {
  const bytes = new TextEncoder().encode(JSON.stringify([title, body])).length;
  if (bytes <= TEXT_BYTES_MAX) return { title, body };
  return body === "" ? { title: "Shutterline", body } : fitting(title, "");
}
