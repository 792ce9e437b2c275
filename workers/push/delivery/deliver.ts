/**
 * Sends one push to one browser: encrypts it for that browser (RFC 8291) and posts it to its push service (RFC 8030).
 */
import { encryptNotification } from "@block65/webcrypto-web-push";
import { within } from "../../../schema/d1/deadline.ts";
import type { PushPayload } from "../../../schema/api/push.ts";
import { type PushOutcome, pushOutcomeOf } from "./outcomes.ts";
import { isPushService } from "./services.ts";
import { authorization, type Vapid } from "./vapid.ts";
import type { Push } from "./push-texts.ts";

/** Push services usually respond within a second. A slow one delays the other pushes of its batch. */
const SERVICE_ANSWERS_WITHIN = 5000; // ms

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;
/** Where a browser receives pushes, and its keys (base64url). */
export type Subscription = { endpoint: string; p256dh: string; auth: string };

/** What a push is sent with. Tests replace `fetch`. */
export type Sender = { env: Env; vapid: Vapid; fetch: Fetch };

/**
 * Sends the push and returns its outcome. Never throws. Makes one request, or two if the first is too large. Follows no
 * redirect and reads no response body.
 */
export async function deliver(sender: Sender, subscription: Subscription, push: Push): Promise<PushOutcome> {
  // The operator may have removed the host from PUSH_HOSTS after the browser subscribed.
  if (!isPushService(sender.env, subscription.endpoint)) return { is: "gone" };
  try {
    // Padded to the largest size, so that the push service cannot distinguish a comment from a like.
    const outcome = await post(sender, subscription, push, push.payload, true);
    if (outcome.is !== "too_large") return outcome;
    const smaller = await post(sender, subscription, push, { ...push.payload, body: "" }, false);
    return smaller.is === "too_large" ? { is: "refused", reason: "413 even for a push without text" } : smaller;
  } catch (error) {
    return { is: "silent", reason: String(error) };
  }
}

async function post(
  { vapid, fetch }: Sender,
  { endpoint, p256dh, auth }: Subscription,
  { topic, urgency, ttl }: Push,
  payload: PushPayload,
  pad: boolean,
): Promise<PushOutcome> {
  const keys = { endpoint, expirationTime: null, keys: { p256dh, auth } };
  const body = await encryptNotification(keys, new TextEncoder().encode(JSON.stringify(payload)), { pad });
  const request = fetch(endpoint, {
    method: "POST",
    headers: {
      authorization: await authorization(vapid, endpoint),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(ttl),
      topic,
      urgency,
    },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(SERVICE_ANSWERS_WITHIN),
  });
  const response = await within(SERVICE_ANSWERS_WITHIN, request, "the push service");
  await response.body?.cancel();
  return pushOutcomeOf(response);
}
