/** Shows what is pushed, and opens what is clicked. It keeps no pages: they come from the network, as without it. */
import type { PushPayload } from "../../schema/api/push.ts";

const worker = self as unknown as ServiceWorkerGlobalScope;
const SUBSCRIPTIONS = "/v1/push-subscriptions";
/** For a push that cannot be read: a browser wants every one of them shown. */
const SOMETHING: PushPayload = {
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

/** The browsers' type of it is not in TypeScript's libraries. */
type PushSubscriptionChangeEvent = ExtendableEvent & {
  oldSubscription?: PushSubscription | null;
  newSubscription?: PushSubscription | null;
};
type Options = NotificationOptions & { renotify: boolean; timestamp: number };

function read(data: PushMessageData | null): PushPayload {
  try {
    return data ? (data.json() as PushPayload) : SOMETHING;
  } catch {
    return { ...SOMETHING, at: Date.now() };
  }
}

/** What comes twice or late takes the place of what is shown without a sound, and never shows what was before. */
async function show(pushed: PushPayload): Promise<void> {
  const [shown] = await worker.registration.getNotifications({ tag: pushed.tag });
  const before = shown?.data as PushPayload | undefined;
  const isNews = before === undefined || before.version < pushed.version;
  const newest = isNews ? pushed : before;
  const { title, body, tag, at } = newest;
  const options: Options = {
    body,
    tag,
    renotify: isNews,
    silent: isNews ? null : true,
    timestamp: at,
    icon: "/icon-192.png",
    badge: "/badge-96.png",
    lang: "en",
    data: newest,
  };
  await worker.registration.showNotification(title, options);
}

/** In the window that shows it already, or in a new one: another may hold what somebody is just writing. */
async function open(path: string): Promise<void> {
  const { origin } = worker.location;
  const asked = new URL(path, origin);
  const { href } = asked.origin === origin ? asked : new URL(SOMETHING.url, origin);
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find(({ url }) => url === href);
  await (there ? there.focus() : worker.clients.openWindow(href));
}

/** The push service has given this browser another address, or wants it to ask for one. */
async function subscribeAgain({ oldSubscription, newSubscription }: PushSubscriptionChangeEvent): Promise<void> {
  const fresh = newSubscription ?? (await subscribed());
  const answer = await send("PUT", fresh.toJSON());
  if (!answer.ok)
    await fresh.unsubscribe(); // Nobody is signed in here any more.
  else if (oldSubscription) await send("DELETE", { endpoint: oldSubscription.endpoint });
}

async function subscribed(): Promise<PushSubscription> {
  const answer = await fetch(`${SUBSCRIPTIONS}/key`);
  const { key } = (await answer.json()) as { key: string };
  return worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

const send = (method: string, body: object): Promise<Response> =>
  fetch(SUBSCRIPTIONS, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
