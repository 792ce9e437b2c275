/**
 * Signed URLs of files that are not public, each for one session of one viewer and a limited time: `?for=<person>&
 * session=<id>&until=<s>&sig=<HMAC-SHA-256>`. The signature covers the file in all its forms, the viewer, the session and
 * the time. It only proves who the viewer is: whether the session is still open, and whether they may see the file, is
 * checked at each use (access.ts).
 */
import { z } from "zod";
import { fromBase64url, toBase64url } from "../../schema/base64url.ts";
import { type MediaId, PersonId, SessionId } from "../../schema/ids.ts";
import { Memory } from "../storage/memory.ts";
import { secretOf } from "../storage/secrets.ts";
import type { Viewer } from "../storage/viewer.ts";

/** In s. A URL is valid for one to two periods, and does not change within one, so that browsers can cache it. */
const PERIOD = 30 * 60;
const SIGNED_MAX = 5000;

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

const signed = new Memory<string, string>(SIGNED_MAX);
let imported: CryptoKey | undefined;

/** Returns the query string that a URL of `media` needs for `viewer`. */
export async function signedQueryFor(env: Env, media: MediaId, viewer: Viewer): Promise<string> {
  const until = (Math.floor(Date.now() / 1000 / PERIOD) + 2) * PERIOD;
  const text = textOf(media, viewer, until);
  const known = signed.get(text);
  if (known) return known.value;
  const signature = new Uint8Array(await crypto.subtle.sign(HMAC, await keyOf(env), encoded(text)));
  const query = `?for=${viewer.person}&session=${viewer.session}&until=${until}&sig=${toBase64url(signature)}`;
  signed.set(text, query);
  return query;
}

/** The viewer that a URL was signed for, and when it expires, in seconds since 1970. */
export type Signed = { viewer: Viewer; until: number };

const Query = z.object({
  for: PersonId,
  session: SessionId,
  until: z
    .string()
    .regex(/^\d{10}$/)
    .transform(Number),
  sig: z.string().regex(/^[\w-]{43}$/),
});

/** Returns what a query string proves, or undefined if it has no valid signature for `media` or has expired. */
export async function verifySignature(
  env: Env,
  media: MediaId,
  query: Record<string, string>,
): Promise<Signed | undefined> {
  const { success, data } = Query.safeParse(query);
  if (!success || data.until <= Date.now() / 1000) return undefined;
  const { for: person, session, until, sig } = data;
  const viewer = { person, session };
  // The runtime compares in constant time.
  const isOurs = await crypto.subtle.verify(
    HMAC,
    await keyOf(env),
    fromBase64url(sig),
    encoded(textOf(media, viewer, until)),
  );
  return isOurs ? { viewer, until } : undefined;
}

const textOf = (media: MediaId, { person, session }: Viewer, until: number) => `${media} ${person} ${session} ${until}`;
const encoded = (text: string) => new TextEncoder().encode(text);

async function keyOf(env: Env): Promise<CryptoKey> {
  imported ??= await crypto.subtle.importKey("raw", await secretOf(env, "media-urls"), HMAC, false, ["sign", "verify"]);
  return imported;
}
