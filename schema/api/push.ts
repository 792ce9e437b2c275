import { z } from "@hono/zod-openapi";

/** The longest that a browser's push service gives: Windows'. */
const ENDPOINT_MAX = 1024;

const base64url = (bytes: number, description: string) =>
  z
    .string()
    .regex(new RegExp(`^[\\w-]{${Math.ceil((bytes * 4) / 3)}}$`), { error: `not ${bytes} bytes in base64url` })
    .openapi({ description });

const Endpoint = z.string().min(1).max(ENDPOINT_MAX).openapi({ description: "Where its push service takes pushes" });

/** What `PushSubscription.toJSON()` gives in a browser. */
export const PushSubscription = z
  .object({
    endpoint: Endpoint,
    expirationTime: z.number().nullish(),
    keys: z.object({
      p256dh: base64url(65, "The browser's public key, a point of P-256"),
      auth: base64url(16, "The secret it shares with the sender"),
    }),
  })
  .openapi("PushSubscription");
export type PushSubscription = z.infer<typeof PushSubscription>;

export const Unsubscribe = z.object({ endpoint: Endpoint }).openapi("Unsubscribe");

export const PushKey = z
  .object({ key: z.string().openapi({ description: "The applicationServerKey to subscribe with, in base64url" }) })
  .openapi("PushKey");
export type PushKey = z.infer<typeof PushKey>;

/** What arrives in a browser, once decrypted. Of two with one `tag` the newer replaces the older; `version` tells them apart. */
export type PushPayload = {
  title: string;
  body: string;
  tag: string;
  version: number;
  /** What to open: a path of this origin. */
  url: string;
  /** When it happened, in ms since 1970. */
  at: number;
};
