import type { Notification } from "../../schema/api/notifications.ts";
import { counted, listed } from "../words.ts";
import { Monogram, nameOf } from "./monogram.tsx";
import { Time } from "./time.tsx";

/** The whole row leads to what it tells of. */
export function NotificationRow({ told }: { told: Notification }) {
  const [newest] = told.actors;
  const href = told.kind === "follow" ? `/people/${newest?.handle ?? ""}` : `/posts/${told.post.id}`;
  return (
    <li>
      <a class={told.unread ? "row told told-unread" : "row told"} href={href}>
        {newest && <Monogram person={newest} size="medium" />}
        <span class="told-text">
          {told.unread && <span class="unseen">New: </span>}
          <span>
            <b>{who(told)}</b> {did(told)}
          </span>
          {told.kind === "comment" && told.excerpt && <q class="told-excerpt">{told.excerpt}</q>}
          <span class="soft">
            <Time at={told.at} />
          </span>
        </span>
        {told.kind !== "follow" && (
          <img class="thumbnail" src={told.post.thumbnail} alt="" width={56} height={56} loading="lazy" />
        )}
      </a>
    </li>
  );
}

function who({ kind, actors, count }: Notification): string {
  const names = actors.map(nameOf);
  // A like is one person each; of comments it is not known how many people wrote them.
  const others = kind === "like" ? count - names.length : 0;
  return listed(others > 0 ? [...names, counted(others, "other")] : names);
}

function did(told: Notification): string {
  if (told.kind === "follow") return "follows you";
  if (told.kind === "like") return "liked your photograph";
  return told.count > 1 ? `left ${counted(told.count, "comment")}` : "commented";
}
