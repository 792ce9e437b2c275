/**
 * What people see of a session's origin, and which browsers are known to belong to a person. A known browser has a cookie
 * with a MAC for each person who has signed in on it. The MAC covers the person's stored password, so a new password
 * makes every browser new.
 */
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { toBase64url } from "../../../schema/base64url.ts";
import type { PersonId } from "../../../schema/ids.ts";
import type { App } from "../../http/routes.ts";
import { secretOf } from "../../storage/secrets.ts";

/** Where a session began, in plain words. */
export type Origin = { device: string; place: string | null };

export const UNKNOWN_ORIGIN: Origin = { device: "Unknown device", place: null };

const DEVICE_MAX = 60;
const PLACE_MAX = 80;

// In this order, because Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMacintosh\b/, "Mac"],
  [/\bLinux\b/, "Linux"],
];

/** Returns the browser and system of a `User-Agent` in plain words, such as "Firefox on Windows". */
export function deviceOf(userAgent: string | undefined): string {
  if (userAgent === undefined) return UNKNOWN_ORIGIN.device;
  const nameIn = (names: readonly [RegExp, string][]) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const [browser, system] = [nameIn(BROWSERS), nameIn(SYSTEMS)];
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`;
  // A program names itself first, such as curl/8.5.0.
  const program = /^[\w.-]+/.exec(userAgent)?.[0].slice(0, DEVICE_MAX);
  return browser ?? system ?? program ?? UNKNOWN_ORIGIN.device;
}

/** Returns the city and country that Cloudflare reports for a request, as far as it does. */
export function placeOf({ city, country }: { city?: unknown; country?: unknown }): string | null {
  const isCountry = typeof country === "string" && /^[A-Z]{2}$/.test(country);
  const parts = [
    typeof city === "string" && city !== "" ? city : undefined,
    isCountry ? countryNamed(country) : undefined,
  ];
  return (
    parts
      .filter((part) => part !== undefined)
      .join(", ")
      .slice(0, PLACE_MAX) || null
  );
}

const countries = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });
const countryNamed = (code: string): string => countries.of(code) ?? code;

/** Returns where a request comes from. */
export const originOf = (c: Context<App>): Origin => ({
  device: deviceOf(c.req.header("user-agent")),
  place: placeOf((c.req.raw as { cf?: IncomingRequestCfProperties }).cf ?? {}),
});

const COOKIE = "__Host-devices";
const SCOPE = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;
/** The longest that browsers keep a cookie. In s. */
const COOKIE_LASTS = 400 * 24 * 60 * 60;
/** The most people that one browser is known for. Those who signed in longest ago are forgotten. */
const PEOPLE_MAX = 5;
const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
const MAC_BYTES = 16;

/** Whether the browser of a request has signed in as `person` since they chose their password. Costs no query. */
export async function isKnownDevice(c: Context<App>, person: PersonId, passwordHash: string): Promise<boolean> {
  return entriesIn(c).includes(await entryOf(c.env, person, passwordHash));
}

/** Whether the browser claims to be known to anybody at all. */
export const isKnownToSomebody = (c: Context<App>): boolean => entriesIn(c).length > 0;

/** Makes the browser known for `person`. */
export async function rememberDevice(c: Context<App>, person: PersonId, passwordHash: string): Promise<void> {
  const others = entriesIn(c).filter((entry) => !entry.startsWith(person));
  const entries = [await entryOf(c.env, person, passwordHash), ...others].slice(0, PEOPLE_MAX);
  setCookie(c, COOKIE, entries.join("."), { ...SCOPE, maxAge: COOKIE_LASTS });
}

const ENTRY = /^\w{13}-[\w-]{22}$/;
const entriesIn = (c: Context<App>): string[] => (getCookie(c, COOKIE) ?? "").split(".").filter((e) => ENTRY.test(e));

/** The entry of a person in the cookie: their id and the MAC. */
async function entryOf(env: Env, person: PersonId, passwordHash: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", await secretOf(env, "devices"), HMAC, false, ["sign"]);
  const mac = await crypto.subtle.sign(HMAC, key, new TextEncoder().encode(`${person} ${passwordHash}`));
  return `${person}-${toBase64url(new Uint8Array(mac, 0, MAC_BYTES))}`;
}
