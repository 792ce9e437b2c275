import { useEffect } from "preact/hooks";
import { api } from "../api/api.ts";
import { Paged } from "../components/common/paged.tsx";
import { Empty, RowsSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { NotificationRow } from "../components/notifications/notification-row.tsx";
import { notifications } from "../state/lists.ts";
import { me, setMe, unread } from "../state/session.ts";
import { counted } from "../words/counts.ts";

const none = (
  <Empty icon="bell" title="No notifications yet">
    <p>Likes, comments, mentions and new followers will show up here.</p>
  </Empty>
);

export function NotificationsPage() {
  useTitle("Notifications");
  const list = notifications();
  const [newest] = list.items.value;
  const unreadCount = unread.value;
  const requests = me.value?.requests ?? 0;

  // Shows what arrives while the page is open.
  useEffect(() => {
    if (unreadCount > 0 && list.started) void list.refresh();
  }, [list, unreadCount]);

  // Only what was shown is marked as read: anything newer than the newest entry stays unread. The list keeps its own
  // unread marks, so that the new entries still stand out.
  const upTo = list.items.value.some((notification) => notification.unread) ? newest?.at : undefined;
  useEffect(() => {
    if (upTo !== undefined) void markRead(upTo);
  }, [upTo]);

  return (
    <div class="column">
      <h1>Notifications</h1>
      {requests > 0 && (
        <a class="row requests" href="/requests">
          <span>
            <b>Follow requests</b>
          </span>
          <span class="soft">{counted(requests, "waiting", "waiting")}</span>
        </a>
      )}
      <Paged list={list} waiting={<RowsSkeleton />} empty={none}>
        {(items) => (
          <ul class="rows notifications">
            {items.map((notification) => (
              <NotificationRow key={notification.id} notification={notification} />
            ))}
          </ul>
        )}
      </Paged>
    </div>
  );
}

async function markRead(upTo: string): Promise<void> {
  try {
    await api.markRead(upTo);
    setMe({ unread: 0 });
  } catch {
    // They stay unread, as the badge shows.
  }
}
