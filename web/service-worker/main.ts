/** Shows pushed notifications, and opens their page when clicked. Caches nothing: pages come from the network. */
import type { PushPayload } from "../../schema/api/push.ts";

const worker = self as unknown as ServiceWorkerGlobalScope;
const SUBSCRIPTIONS = "/v1/push-subscriptions";
/** Shown for a push that cannot be read: browsers require a notification for every push. */
const FALLBACK: PushPayload = {
  title: "Shutterline",
  body: "",
  tag: "more",
  version: 0,
  url: "/notifications",
  at: 0,
};

worker.addEventListener("install", () => void worker.skipWaiting());
worker.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open((event.notification.data as PushPayload).url));
});
worker.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(subscribeAgain(event));
});

/** The event's type, which TypeScript's libraries lack. */
type PushSubscriptionChangeEvent = ExtendableEvent & {
  oldSubscription?: PushSubscription | null;
  newSubscription?: PushSubscription | null;
};
type Options = NotificationOptions & { renotify: boolean; timestamp: number };

function read(data: PushMessageData | null): PushPayload {
  try {
    return data ? (data.json() as PushPayload) : FALLBACK;
  } catch {
    return { ...FALLBACK, at: Date.now() };
  }
}

/** Shows a push. A repeated or late one only shows the newest known again, in place and without a sound. */
async function show(pushed: PushPayload): Promise<void> {
  const [shown] = await worker.registration.getNotifications({ tag: pushed.tag });
  const before = shown?.data as PushPayload | undefined;
  const isNews = before === undefined || before.version < pushed.version;
  const newest = isNews ? pushed : before;
  const { title, body, tag, at, icon = "/icon-192.png" } = newest;
  const options: Options = {
    body,
    tag,
    renotify: isNews,
    silent: isNews ? null : true,
    timestamp: at,
    icon,
    badge: "/badge-96.png",
    lang: "en",
    data: newest,
  };
  await worker.registration.showNotification(title, options);
}

/** Opens a path in the window that shows it already, or in a new one: any other may hold unsaved text. */
async function open(path: string): Promise<void> {
  const { origin } = worker.location;
  const wanted = new URL(path, origin);
  const { href } = wanted.origin === origin ? wanted : new URL(FALLBACK.url, origin);
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const existing = windows.find(({ url }) => url === href);
  await (existing ? existing.focus() : worker.clients.openWindow(href));
}

/** Registers a new subscription after the push service has replaced or ended the old one. */
async function subscribeAgain({ oldSubscription, newSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  const fresh = newSubscription ?? (await subscribe());
  const response = await send("PUT", fresh.toJSON());
  if (!response.ok)
    await fresh.unsubscribe(); // Nobody is signed in on this browser any more.
  else if (oldSubscription) await send("DELETE", { endpoint: oldSubscription.endpoint });
}

async function subscribe(): Promise<PushSubscription> {
  const response = await fetch(`${SUBSCRIPTIONS}/key`);
  const { key } = (await response.json()) as { key: string };
  return worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

const send = (method: string, body: object): Promise<Response> =>
  fetch(SUBSCRIPTIONS, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
