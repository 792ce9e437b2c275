/**
 * Challenges of passkeys, which are stored nowhere before they are answered, so that nobody can fill a store with them.
 * A challenge is a token with a MAC (workers/storage/issued-tokens.ts) that says what it is for, when it was issued, and for
 * which browser: it counts only together with the cookie that came with it. Each counts once, because the database keeps
 * for each person when the newest challenge was issued that a passkey of theirs has answered, and takes only later ones.
 */
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { textFromBase64url, textToBase64url, toBase64url } from "../../../schema/base64url.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { statement, type Statement } from "../../../schema/d1/database.ts";
import { bare, textOf } from "../../../schema/d1/sql.ts";
import type { PersonId, SessionId } from "../../../schema/ids.ts";
import { credentials } from "../../../schema/tables/people.ts";
import type { App } from "../../http/routes.ts";
import { canTell, isEqual, issue, issuedText, markOf } from "../../storage/issued-tokens.ts";

/** How long a challenge can be answered, in ms: long enough to find a security key and to remember its PIN. */
export const CHALLENGE_LASTS = 5 * 60_000;

/** The name has the prefix for the same reason as the session's cookie (workers/http/session-cookie.ts). */
const COOKIE = "__Host-passkeys";
const SCOPE = { path: "/", secure: true, httpOnly: true, sameSite: "Strict" } as const;
const RANDOM_BYTES = 16;
const BROWSER = /^[\w-]{22}$/;
const SEPARATOR = ".";

/** What a challenge is for: signing in, or adding a passkey in a session whose password has just been checked. */
export type Use = "sign-in" | SessionId;

/**
 * Issues a challenge, in base64url, and sets the cookie that must come back with its answer. Costs no query once the
 * isolate knows the key.
 */
export async function newChallenge(c: Context<App>, use: Use): Promise<string> {
  // A browser keeps its cookie, so that a challenge in one tab ends none in another.
  const browser = browserIn(c) ?? random();
  setCookie(c, COOKIE, browser, { ...SCOPE, maxAge: CHALLENGE_LASTS / 1000 });
  const text = [use, Date.now().toString(36), random(), await markOf(c.env, browser)].join(SEPARATOR);
  return textToBase64url(await issue(c.env, "passkey", text));
}

/**
 * Returns when a challenge was issued, in ms since 1970. Throws `passkey_challenge_over` unless it was issued for this use
 * and this browser, a short time ago. Costs no query. Whether it was used before, `useChallenge` finds out.
 */
export async function issueTimeOf(c: Context<App>, challenge: string, use: Use): Promise<number> {
  const text = await issuedText(c.env, "passkey", textIn(challenge));
  if (!canTell(c.env)) throw new Refusal("unavailable"); // A session is in D1 as well; a challenge is nowhere else.
  const [usedFor, time = "", , mark = ""] = text?.split(SEPARATOR) ?? [];
  const issuedAt = Number.parseInt(time, 36);
  const browser = browserIn(c);
  const isOurs = usedFor === use && browser !== undefined && isEqual(mark, await markOf(c.env, browser));
  if (!isOurs || !(Date.now() - issuedAt < CHALLENGE_LASTS)) throw new Refusal("passkey_challenge_over");
  return issuedAt;
}

const browserIn = (c: Context<App>): string | undefined => {
  const browser = getCookie(c, COOKIE);
  return browser !== undefined && BROWSER.test(browser) ? browser : undefined;
};

const random = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));

function textIn(challenge: string): string {
  try {
    return textFromBase64url(challenge);
  } catch {
    return "";
  }
}

/** Whether no challenge issued at ?2 or later was used by the person ?1. For statements before that of `useChallenge`. */
export const IS_UNUSED = sql`EXISTS (
  SELECT 1 FROM ${credentials} WHERE ${credentials.person} = ?1 AND ${credentials.challengedAt} < ?2)`;

/** A statement that uses a challenge up. It changes no row if the challenge was used before. */
export const useChallenge = (person: PersonId, issuedAt: number): Statement => statement(USE, person, issuedAt);

const USE = textOf(sql`
  UPDATE ${credentials} SET ${bare(credentials.challengedAt)} = ?2
  WHERE ${credentials.person} = ?1 AND ${credentials.challengedAt} < ?2`);
