/**
 * Fake push services for tests inside the runtime. They respond as configured, and their browsers decrypt what arrives.
 */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { PushPayload } from "../../../schema/api/push.ts";
import type { PushMessage } from "../../../schema/messages/push.ts";
import type { Fetch } from "../../../workers/push/delivery/deliver.ts";
import { PushedBrowser } from "./browser.ts";
import { queueTo } from "../queues/queue.ts";

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
export const MOZILLA = "https://updates.push.services.mozilla.com";

export type Respond = (request: RequestInit) => Response | Promise<Response>;
export type Arrived = { browser: PushedBrowser; payload: PushPayload; headers: Headers; bytes: number };

/** Makes a deployment's key, as `npm run admin -- vapid` does. */
export async function newVapidKey(): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  return JSON.stringify(await crypto.subtle.exportKey("jwk", pair.privateKey));
}

/** Returns the `env` of a deployment with pushes set up, and the messages sent to its queue, with `delay` in s. */
export async function pushingEnv(from: Env = env) {
  const messages: { body: PushMessage; delay: number }[] = [];
  const queue = queueTo(() => undefined);
  const keep = (body: unknown, delay = 0) => void messages.push({ body: body as PushMessage, delay });
  const pushing = {
    ...from,
    VAPID_PRIVATE_KEY: await newVapidKey(),
    VAPID_SUBJECT: "mailto:operator@example.org",
    PUSHES: {
      ...queue,
      send: (body: unknown, options?: QueueSendOptions) => {
        keep(body, options?.delaySeconds);
        return queue.send(body);
      },
      sendBatch: (batch: Iterable<MessageSendRequest>) => {
        for (const { body, delaySeconds } of batch) keep(body, delaySeconds);
        return queue.sendBatch([]);
      },
    },
  };
  return { env: pushing, messages };
}

export class PushServices {
  readonly arrived: Arrived[] = [];
  /** The URL of every request, also of those that failed. */
  readonly asked: string[] = [];
  #open = 0;
  openAtMost = 0;
  readonly #browsers = new Map<string, { browser: PushedBrowser; answer: Respond }>();

  /** Makes a browser that has subscribed at one of the services. */
  browser(answer: Respond = () => new Response(null, { status: 201 }), service = MOZILLA): PushedBrowser {
    const browser = new PushedBrowser(`${service}/wpush/v2/${crypto.randomUUID()}`);
    this.#browsers.set(browser.subscription.endpoint, { browser, answer });
    return browser;
  }

  answers(browser: PushedBrowser, answer: Respond): void {
    this.#browsers.set(browser.subscription.endpoint, { browser, answer });
  }

  readonly fetch: Fetch = async (url, init) => {
    this.asked.push(url);
    this.#open += 1;
    this.openAtMost = Math.max(this.openAtMost, this.#open);
    try {
      const known = this.#browsers.get(url);
      if (!known) throw new Error(`no browser is subscribed at ${url}`);
      const headers = new Headers(init.headers);
      await expectAuthorized(headers.get("authorization") ?? "", new URL(url).origin);
      const answer = await Promise.race([known.answer(init), aborted(init.signal)]);
      if (answer.ok) {
        const body = init.body as Uint8Array;
        const payload = JSON.parse(known.browser.decrypt(body)) as PushPayload;
        this.arrived.push({ browser: known.browser, payload, headers, bytes: body.length });
      }
      return answer;
    } finally {
      this.#open -= 1;
    }
  };
}

/** Rejects when `signal` aborts, as the runtime's own fetch does. */
const aborted = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });

/**
 * Verifies a VAPID header as a push service does (RFC 8292): a token for `audience`, signed with the key next to it.
 */
export async function expectAuthorized(authorization: string, audience: string): Promise<void> {
  const [, token = "", key = ""] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  const [header = "", claims = "", signature = ""] = token.split(".");
  const read = (part: string): unknown => JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(part, BASE64URL)));
  expect(read(header)).toEqual({ typ: "JWT", alg: "ES256" });
  const { aud, exp, sub } = read(claims) as { aud: string; exp: number; sub: string };
  expect({ aud, sub }).toEqual({ aud: audience, sub: "mailto:operator@example.org" });
  expect(exp - Date.now() / 1000).toBeGreaterThan(60);
  expect(exp - Date.now() / 1000).toBeLessThanOrEqual(24 * 60 * 60);
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const publicKey = await crypto.subtle.importKey("raw", Uint8Array.fromBase64(key, BASE64URL), algorithm, true, [
    "verify",
  ]);
  const signed = new TextEncoder().encode(`${header}.${claims}`);
  const bytes = Uint8Array.fromBase64(signature, BASE64URL);
  expect(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, publicKey, bytes, signed)).toBe(true);
}
