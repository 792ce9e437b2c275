/** Identifies this deployment to push services (RFC 8292) with tokens signed by its key. */
import { sign } from "hono/jwt";
import { z } from "zod";
import { fromBase64url, toBase64url } from "../../../schema/base64url.ts";
import { Memory } from "../../storage/memory.ts";

/** Secrets are not in wrangler.toml, so the generated `Env` lacks them. */
type Secrets = { VAPID_PRIVATE_KEY?: string };

/** The deployment's key, its contact (`subject`), and the public key as clients need it (base64url). */
export type Vapid = { jwk: z.infer<typeof PrivateKey>; subject: string; publicKey: string };

/** Push services reject tokens that last longer than a day. */
const TOKEN_LASTS = 12 * 60 * 60; // s
/** Signing a token for each push would cost more than encrypting the push. */
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

/** Returns the deployment's key, or undefined if the operator has set up none. Throws if the settings are unusable. */
export function vapidOf(env: Env): Vapid | undefined {
  const { VAPID_PRIVATE_KEY: secret } = env as Secrets;
  const { VAPID_SUBJECT: subject } = env;
  if (!secret || !subject) return undefined;
  if (!/^(?:mailto:|https:\/\/)/.test(subject)) throw new Error("VAPID_SUBJECT is neither mailto:... nor https://...");
  const jwk = PrivateKey.safeParse(parsed(secret)).data;
  if (!jwk) throw new Error("VAPID_PRIVATE_KEY is not a JWK of a P-256 private key");
  const point = [4, ...fromBase64url(jwk.x), ...fromBase64url(jwk.y)];
  return { jwk, subject, publicKey: toBase64url(new Uint8Array(point)) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Returns the `Authorization` header for a push to `endpoint`. */
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
