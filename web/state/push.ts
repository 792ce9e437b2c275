/** This browser's push subscription, for notifications while no page is open. */
import { signal } from "@preact/signals";
import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";

/**
 * `unsupported`: the browser cannot receive pushes. `unavailable`: the deployment sends none. `blocked`: the person
 * denied the permission, and only they can allow it again, in the browser's settings.
 */
export type PushState = "looking" | "unsupported" | "unavailable" | "blocked" | "off" | "on";

const SERVICE_WORKER = "/service-worker.js";

export const pushState = signal<PushState>("looking");

const isSupported = (): boolean =>
  "serviceWorker" in navigator && "PushManager" in window && "Notification" in window && window.isSecureContext;

/** Finds out the current state, without asking for a permission. */
export async function checkPush(): Promise<void> {
  pushState.value = await stateNow();
}

async function stateNow(): Promise<PushState> {
  if (!isSupported()) return "unsupported";
  try {
    await api.pushKey();
  } catch (error) {
    if (asProblem(error).code === "push_not_set_up") return "unavailable";
    throw error;
  }
  if (Notification.permission === "denied") return "blocked";
  return Notification.permission === "granted" && (await subscription()) ? "on" : "off";
}

/** Subscribes this browser. Must be called in a click: the browser asks for the permission if it has none yet. */
export async function turnPushOn(): Promise<void> {
  const permission = await Notification.requestPermission();
  if (permission === "granted") {
    await navigator.serviceWorker.register(SERVICE_WORKER);
    await subscribe(await navigator.serviceWorker.ready);
    pushState.value = "on";
  } else {
    pushState.value = permission === "denied" ? "blocked" : "off";
  }
}

export async function turnPushOff(): Promise<void> {
  const ours = await subscription();
  if (ours) {
    await api.unsubscribe(ours.endpoint).catch(ignoreUnknown);
    await ours.unsubscribe();
  }
  pushState.value = "off";
}

/** Assigns this browser's subscription to the person who has just signed in and their session. Never rejects. */
export async function renewPush(): Promise<void> {
  try {
    const registration = await registered();
    if (registration && (await registration.pushManager.getSubscription())) await subscribe(registration);
  } catch {
    // The next visit tries again.
  }
}

/** Unsubscribes after a sign-out, and closes that person's notifications. Never rejects. */
export async function endPush(): Promise<void> {
  pushState.value = "looking";
  try {
    const registration = await registered();
    for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
    await (await subscription())?.unsubscribe();
  } catch {
    // The session has ended, and with it every push.
  }
}

/** Subscribes, or renews a subscription: it belongs to one key, so a new key of the deployment needs a new one. */
async function subscribe({ pushManager }: ServiceWorkerRegistration): Promise<void> {
  const { key } = await api.pushKey();
  const before = await pushManager.getSubscription();
  const isCurrent = before !== null && keyOf(before) === key;
  if (before && !isCurrent) await before.unsubscribe();
  const current = isCurrent
    ? before
    : await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await api.subscribe(current.toJSON());
}

function keyOf({ options: { applicationServerKey } }: PushSubscription): string | undefined {
  if (!applicationServerKey) return undefined;
  const text = btoa(String.fromCharCode(...new Uint8Array(applicationServerKey)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const registered = async (): Promise<ServiceWorkerRegistration | undefined> =>
  isSupported() ? navigator.serviceWorker.getRegistration() : undefined;

const subscription = async (): Promise<PushSubscription | undefined> =>
  (await (await registered())?.pushManager.getSubscription()) ?? undefined;

function ignoreUnknown(error: unknown): void {
  if (asProblem(error).code !== "push_subscription_not_found") throw error;
}
