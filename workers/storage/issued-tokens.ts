/**
 * Tells the tokens that this deployment has issued from made-up ones, without reading a store: each ends with a MAC of the
 * rest. It proves only that the token was issued. Whether a session is still valid, for example, is in D1.
 */
import { toBase64url } from "../../schema/base64url.ts";
import { logWarning } from "../../schema/log.ts";
import { secretOf } from "./secrets.ts";

/** What a token is for. A token for one purpose is none for another. */
export type Purpose = "session" | "consistency" | "passkey" | "ticket";

/** 128 bits of HMAC-SHA-256: nobody guesses them, and a token stays short. */
const MAC_BYTES = 16;
const RETRY_AFTER = 1000; // ms
const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

type Key = { value?: CryptoKey; read?: Promise<CryptoKey>; failedAt?: number };
/** By database, because this stands for the isolate: each deployment has one. */
const keys = new WeakMap<Env["DB"], Key>();

function keyIn({ DB }: Env): Key {
  const known = keys.get(DB) ?? {};
  keys.set(DB, known);
  return known;
}

/** Returns the key. Costs one D1 query in each isolate, of the nearest replica. Throws while D1 is down. */
async function keyOf(env: Env): Promise<CryptoKey> {
  const key = keyIn(env);
  if (key.value) return key.value;
  if (key.failedAt !== undefined && Date.now() - key.failedAt < RETRY_AFTER) throw new Error("the key is not known");
  key.read ??= readKey(env, key);
  return key.read;
}

async function readKey(env: Env, key: Key): Promise<CryptoKey> {
  try {
    key.value = await crypto.subtle.importKey("raw", await secretOf(env, "tokens"), HMAC, false, ["sign"]);
    return key.value;
  } catch (error) {
    key.failedAt = Date.now();
    throw error;
  } finally {
    delete key.read;
  }
}

/** Whether this isolate can tell without waiting. It cannot until it has read the key once. */
export const canTell = (env: Env): boolean => keyIn(env).value !== undefined;

/** Reads the key, so that it is known when it is needed. Never throws. */
export async function prepareToTell(env: Env): Promise<void> {
  if (canTell(env)) return;
  try {
    await keyOf(env);
  } catch (error) {
    logWarning("key of tokens not read, tokens are not checked", { error: String(error) });
  }
}

/** Returns `text` with its MAC. Throws while the key is not known and D1 is down. */
export async function issue(env: Env, purpose: Purpose, text: string): Promise<string> {
  return `${text}.${await macOf(env, purpose, text)}`;
}

/**
 * Returns what a token says, without its MAC, or undefined if it was never issued for this purpose. While the key cannot
 * be read, every token counts as issued: what it names is checked in the stores all the same.
 */
export async function issuedText(env: Env, purpose: Purpose, token: string): Promise<string | undefined> {
  const end = token.lastIndexOf(".");
  if (end < 0) return undefined;
  const text = token.slice(0, end);
  await prepareToTell(env);
  if (!canTell(env)) return text;
  return isEqual(await macOf(env, purpose, text), token.slice(end + 1)) ? text : undefined;
}

/** Returns a keyed hash of a text that must not be stored as it is. Throws while the key is not known and D1 is down. */
export const markOf = (env: Env, text: string): Promise<string> => macOf(env, "mark", text);

async function macOf(env: Env, purpose: Purpose | "mark", text: string): Promise<string> {
  const mac = await crypto.subtle.sign(HMAC, await keyOf(env), new TextEncoder().encode(`${purpose} ${text}`));
  return toBase64url(new Uint8Array(mac, 0, MAC_BYTES));
}

/** Takes the same time wherever the two differ. (`crypto.subtle.timingSafeEqual` exists on Workers only.) */
export function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}
