import type { Notification } from "../../../schema/api/notifications.ts";
import type { NotificationKind } from "../../../schema/notifications.ts";
import { counted, listed } from "../../words/counts.ts";
import { nameOf } from "../../words/names.ts";
import { Icon } from "../common/icon.tsx";
import { Time } from "../common/time.tsx";
import { Portrait } from "../people/portrait.tsx";

/** One notification. The whole row links to its subject. */
export function NotificationRow({ notification }: { notification: Notification }) {
  const { actors, kind, count, unread, at } = notification;
  const [newest] = actors;
  const isSignIn = kind === "new_device";
  return (
    <li>
      <a class={unread ? "row notification notification-unread" : "row notification"} href={pathOf(notification)}>
        {newest && <Portrait person={newest} size="medium" />}
        {kind === "moderation" && (
          <span class="monogram monogram-medium">
            <Icon name="warning" />
          </span>
        )}
        <span class="notification-text">
          {unread && <span class="unseen">New: </span>}
          <span>
            {!isSignIn && <b>{namesIn(notification)}</b>} {DID[kind](count)}
          </span>
          {isSignIn && <span>{notification.device}</span>}
          {"excerpt" in notification && notification.excerpt && (
            <q class="notification-excerpt">{notification.excerpt}</q>
          )}
          <span class="soft">
            <Time at={at} />
          </span>
        </span>
        {"post" in notification && <Thumbnail src={notification.post.thumbnail} />}
      </a>
    </li>
  );
}

/** A video may have no thumbnail. */
const Thumbnail = ({ src }: { src: string | undefined }) =>
  src === undefined ? (
    <span class="thumbnail thumbnail-blank">
      <Icon name="play" filled />
    </span>
  ) : (
    <img class="thumbnail" src={src} alt="" width={56} height={56} loading="lazy" decoding="async" />
  );

function pathOf(notification: Notification): string {
  if ("post" in notification) return `/posts/${notification.post.id}`;
  if (notification.kind === "new_device") return "/settings/security";
  if (notification.kind === "moderation") return "/decisions";
  return notification.kind === "follow_request" ? "/requests" : `/people/${notification.actors[0]?.handle ?? ""}`;
}

function namesIn({ kind, actors, count }: Notification): string {
  if (kind === "moderation") return "A moderator";
  const names = actors.map(nameOf);
  // For comments, replies and mentions `count` counts what was written, not how many people wrote it.
  const countsPeople = kind !== "comment" && kind !== "reply" && kind !== "mention";
  const others = countsPeople ? count - names.length : 0;
  return listed(others > 0 ? [...names, counted(others, "other")] : names);
}

const DID: Record<NotificationKind, (count: number) => string> = {
  like: () => "liked your post",
  comment: (count) => (count > 1 ? `left ${counted(count, "comment")}` : "commented on your post"),
  reply: (count) => (count > 1 ? `left you ${counted(count, "reply", "replies")}` : "replied to you"),
  mention: (count) => (count > 1 ? `mentioned you ${counted(count, "time")}` : "mentioned you"),
  comment_like: () => "liked your comment",
  new_post: () => "published a new post",
  follow: (count) => (count > 1 ? "follow you" : "follows you"),
  follow_request: (count) => (count > 1 ? "want to follow you" : "wants to follow you"),
  request_accepted: () => "accepted your follow request",
  new_device: () => "New sign-in to your account",
  moderation: () => "has made a decision about you",
};
