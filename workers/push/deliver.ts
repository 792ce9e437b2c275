/** One push to one browser: encrypted for it (RFC 8291) and handed to its push service (RFC 8030). */
import { encryptNotification } from "@block65/webcrypto-web-push";
import { within } from "../../schema/d1/deadline.ts";
import type { PushPayload } from "../../schema/api/push.ts";
import { type Outcome, outcomeOf } from "./answers.ts";
import { isPushService } from "./services.ts";
import { authorization, type Vapid } from "./vapid.ts";
import type { Push } from "./words.ts";

/** Push services answer within a second; one that does not holds up the others of its batch. */
const SERVICE_ANSWERS_WITHIN = 5000; // ms

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;
export type Subscription = { endpoint: string; p256dh: string; auth: string };

export type Sender = { env: Env; vapid: Vapid; fetch: Fetch };

/** Never throws. One request; two where the first is too large. No redirect is followed, and no answer read. */
export async function deliver(sender: Sender, subscription: Subscription, push: Push): Promise<Outcome> {
  // The operator may have taken a host from the list since.
  if (!isPushService(sender.env, subscription.endpoint)) return { is: "gone" };
  try {
    // Padded to the largest size, so that the push service cannot tell a comment from a like.
    const outcome = await handOver(sender, subscription, push, push.payload, true);
    if (outcome.is !== "too_large") return outcome;
    const smaller = await handOver(sender, subscription, push, { ...push.payload, body: "" }, false);
    return smaller.is === "too_large" ? { is: "refused", reason: "413 for the smallest push" } : smaller;
  } catch (error) {
    return { is: "silent", reason: String(error) };
  }
}

async function handOver(
  { vapid, fetch }: Sender,
  { endpoint, p256dh, auth }: Subscription,
  { topic, urgency, ttl }: Push,
  payload: PushPayload,
  pad: boolean,
): Promise<Outcome> {
  const keys = { endpoint, expirationTime: null, keys: { p256dh, auth } };
  const body = await encryptNotification(keys, new TextEncoder().encode(JSON.stringify(payload)), { pad });
  const asked = fetch(endpoint, {
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
  const response = await within(SERVICE_ANSWERS_WITHIN, asked, "the push service");
  await response.body?.cancel();
  return outcomeOf(response);
}
