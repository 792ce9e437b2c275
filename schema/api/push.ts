import { z } from "@hono/zod-openapi";

/** Length of the longest endpoints that browsers get from their push services (those of Windows). */
const ENDPOINT_MAX = 1024;

const base64url = (bytes: number, description: string) =>
  z
    .string()
    .regex(new RegExp(`^[\\w-]{${Math.ceil((bytes * 4) / 3)}}$`), { error: `Must be ${bytes} bytes in base64url` })
    .openapi({ description });

const Endpoint = z
  .string()
  .min(1)
  .max(ENDPOINT_MAX)
  .openapi({ description: "URL at the push service that accepts pushes for this browser" });

/** The result of `PushSubscription.toJSON()` in a browser. */
export const PushSubscription = z
  .object({
    endpoint: Endpoint,
    expirationTime: z.number().nullish(),
    keys: z.object({
      p256dh: base64url(65, "The browser's public key, a point on P-256"),
      auth: base64url(16, "The authentication secret that the browser shares with the sender"),
    }),
  })
  .openapi("PushSubscription");
export type PushSubscription = z.infer<typeof PushSubscription>;

export const Unsubscribe = z.object({ endpoint: Endpoint }).openapi("Unsubscribe");

export const PushKey = z
  .object({ key: z.string().openapi({ description: "The `applicationServerKey` to subscribe with, in base64url" }) })
  .openapi("PushKey");
export type PushKey = z.infer<typeof PushKey>;

/** A decrypted push as a browser receives it. For each `tag`, the one with the highest `version` is shown. */
export type PushPayload = {
  title: string;
  body: string;
  tag: string;
  version: number;
  /** The page to open: a path on this origin. */
  url: string;
  /** When the event happened, in ms since 1970. */
  at: number;
  /** The picture of the newest person in it, if they have one: a path on this origin. */
  icon?: string;
};
