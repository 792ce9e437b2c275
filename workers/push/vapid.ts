/** How we show push services who sends (RFC 8292): a token that the deployment's key has signed. */
import { sign } from "hono/jwt";
import { z } from "zod";
import { Memory } from "../storage/memory.ts";

/** A secret is not in wrangler.toml, so the generated type does not know it. */
type Secrets = { VAPID_PRIVATE_KEY?: string };

export type Vapid = { jwk: z.infer<typeof PrivateKey>; subject: string; publicKey: string };

/** Not longer than a day, or push services refuse it. */
const TOKEN_LASTS = 12 * 60 * 60; // s
/** To sign one for each push would cost more than to encrypt it. */
const TOKEN_KEPT_FOR = 60 * 60 * 1000; // ms
const TOKENS_MAX = 1000;

const coordinate = z.string().regex(/^[\w-]{43}$/);
const PrivateKey = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: coordinate,
  y: coordinate,
  d: coordinate,
});

/** The deployment's key; undefined where the operator has set none up. Throws for one that cannot be used. */
export function vapidOf(env: Env): Vapid | undefined {
  const { VAPID_PRIVATE_KEY: secret } = env as Secrets;
  const { VAPID_SUBJECT: subject } = env;
  if (!secret || !subject) return undefined;
  if (!/^(?:mailto:|https:\/\/)/.test(subject)) throw new Error("VAPID_SUBJECT is neither mailto:... nor https://...");
  const jwk = PrivateKey.safeParse(parsed(secret)).data;
  if (!jwk) throw new Error("VAPID_PRIVATE_KEY is not the JWK of a private key on P-256");
  const point = [4, ...Uint8Array.fromBase64(jwk.x, BASE64URL), ...Uint8Array.fromBase64(jwk.y, BASE64URL)];
  return { jwk, subject, publicKey: new Uint8Array(point).toBase64({ ...BASE64URL, omitPadding: true }) };
}

const BASE64URL = { alphabet: "base64url" } as const;

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The `Authorization` of a push to `endpoint`. */
export async function authorization({ jwk, subject, publicKey }: Vapid, endpoint: string): Promise<string> {
  const { origin } = new URL(endpoint);
  const key = `${publicKey} ${subject} ${origin}`;
  const kept = tokens.get(key);
  const now = Date.now();
  if (kept && Math.abs(now - kept.at) < TOKEN_KEPT_FOR) return kept.value;
  const claims = { aud: origin, exp: Math.floor(now / 1000) + TOKEN_LASTS, sub: subject };
  const value = `vapid t=${await sign(claims, jwk, "ES256")}, k=${publicKey}`;
  tokens.set(key, value);
  return value;
}

const tokens = new Memory<string, string>(TOKENS_MAX);
