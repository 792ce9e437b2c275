import { useEffect } from "preact/hooks";
import { api } from "../api.ts";
import { NotificationRow } from "../components/notification-row.tsx";
import { Paged } from "../components/paged.tsx";
import { Empty, RowsSkeleton } from "../components/states.tsx";
import { notifications } from "../lists.ts";
import { me, setMe, unread } from "../session.ts";
import { useTitle } from "../title.ts";
import { counted } from "../words.ts";

const none = (
  <Empty icon="bell" title="Nothing yet">
    <p>When somebody likes or comments on what you post, mentions or follows you, it is told here.</p>
  </Empty>
);

export function NotificationsPage() {
  useTitle("Notifications");
  const list = notifications();
  const [newest] = list.items.value;
  const waiting = unread.value;
  const requests = me.value?.requests ?? 0;

  // What arrives while the page is open is shown too.
  useEffect(() => {
    if (waiting > 0 && list.started) void list.refresh();
  }, [list, waiting]);

  // Seen is what has been shown: whatever came after the newest of them stays unread. The marks of this list stay as
  // they were read, so that the new ones still stand out.
  const upTo = list.items.value.some((told) => told.unread) ? newest?.at : undefined;
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
          <span class="soft">{counted(requests, "person waits", "people wait")}</span>
        </a>
      )}
      <Paged list={list} waiting={<RowsSkeleton />} empty={none}>
        {(told) => (
          <ul class="rows notifications">
            {told.map((one) => (
              <NotificationRow key={one.id} told={one} />
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
    // They stay unread, and the badge says so.
  }
}
