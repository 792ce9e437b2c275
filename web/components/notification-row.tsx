import type { Notification } from "../../schema/api/notifications.ts";
import type { NotificationKind } from "../../schema/notifications.ts";
import { counted, listed } from "../words.ts";
import { Icon } from "./icon.tsx";
import { Monogram, nameOf } from "./monogram.tsx";
import { Time } from "./time.tsx";

/** The whole row leads to what it tells of. */
export function NotificationRow({ told }: { told: Notification }) {
  const [newest] = told.actors;
  return (
    <li>
      <a class={told.unread ? "row told told-unread" : "row told"} href={placeOf(told)}>
        {newest && <Monogram person={newest} size="medium" />}
        <span class="told-text">
          {told.unread && <span class="unseen">New: </span>}
          <span>
            <b>{who(told)}</b> {DID[told.kind](told.count)}
          </span>
          {"excerpt" in told && told.excerpt && <q class="told-excerpt">{told.excerpt}</q>}
          <span class="soft">
            <Time at={told.at} />
          </span>
        </span>
        {"post" in told && <Thumbnail src={told.post.thumbnail} />}
      </a>
    </li>
  );
}

/** A video may have none. */
const Thumbnail = ({ src }: { src: string | undefined }) =>
  src === undefined ? (
    <span class="thumbnail thumbnail-blank">
      <Icon name="play" filled />
    </span>
  ) : (
    <img class="thumbnail" src={src} alt="" width={56} height={56} loading="lazy" decoding="async" />
  );

function placeOf(told: Notification): string {
  if ("post" in told) return `/posts/${told.post.id}`;
  return told.kind === "follow_request" ? "/requests" : `/people/${told.actors[0]?.handle ?? ""}`;
}

function who({ kind, actors, count }: Notification): string {
  const names = actors.map(nameOf);
  // Of comments, replies and mentions it is not known how many people wrote them.
  const isByPeople = kind !== "comment" && kind !== "reply" && kind !== "mention";
  const others = isByPeople ? count - names.length : 0;
  return listed(others > 0 ? [...names, counted(others, "other")] : names);
}

const DID: Record<NotificationKind, (count: number) => string> = {
  like: () => "liked your post",
  comment: (count) => (count > 1 ? `left ${counted(count, "comment")}` : "commented"),
  reply: (count) => (count > 1 ? `left you ${counted(count, "reply", "replies")}` : "replied to you"),
  mention: (count) => (count > 1 ? `mentioned you ${counted(count, "time")}` : "mentioned you"),
  comment_like: () => "liked your comment",
  new_post: () => "published a new post",
  follow: (count) => (count > 1 ? "follow you" : "follows you"),
  follow_request: (count) => (count > 1 ? "ask to follow you" : "asks to follow you"),
  request_accepted: () => "lets you follow",
};
