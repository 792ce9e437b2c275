/** Which limit of a person each request counts to. A test finds a write that is missing here. */
import type { LimitName } from "../../schema/limits/limits.ts";
import { isSafe } from "../http/cross-site.ts";

const ID = String.raw`\w+`;
const HANDLE = "[^/]+";

/** The first that matches counts. Paths begin after /v1. */
const LIMITED: readonly (readonly [methods: string, path: string, limit: LimitName])[] = [
  ["PUT|DELETE", `/posts/${ID}/like`, "like"],
  ["PUT|DELETE", `/posts/${ID}/comments/${ID}/like`, "like"],
  ["POST", `/posts/${ID}/comments`, "comment"],
  ["PATCH|DELETE", `/posts/${ID}/comments/${ID}`, "comment"],
  ["PUT|DELETE", `/posts/${ID}/comments/${ID}/${ID}`, "comment"],
  ["POST", "/posts", "post"],
  ["PATCH|DELETE", `/posts/${ID}`, "post"],
  ["PUT|DELETE", `/posts/${ID}/mute`, "inbox"],
  ["POST", "/media/direct", "upload"],
  ["POST", "/media", "upload"],
  ["POST", `/media/${ID}/inspection`, "upload"],
  ["PUT", `/media/${ID}/poster`, "upload"],
  ["POST", `/media/${ID}/complete`, "part"],
  ["PATCH|DELETE", `/media/${ID}`, "part"],
  ["POST", "/uploads", "upload"],
  ["PATCH|DELETE", `/uploads/${ID}`, "part"],
  ["PUT|DELETE", `/people/${HANDLE}/(?:follow|bell|mute|block)`, "follow"],
  ["PUT|DELETE", `/me/(?:requests|followers)/${HANDLE}`, "follow"],
  ["PUT|DELETE", "/push-subscriptions", "push"],
  ["POST", `/notifications/(?:${ID}/)?read`, "inbox"],
  ["PUT", "/notifications/preferences", "account"],
  ["PATCH|PUT|POST|DELETE", "/me(?:/.*)?", "account"],
  ["POST", "/reports", "report"],
  ["PUT|DELETE", `/people/${HANDLE}/restriction`, "follow"],
  ["POST|PUT|DELETE", "/moderation/.*", "moderation"],
  ["GET", "/live", "live"],
  ["POST", "/live/tickets", "live"],
];

const PATTERNS = LIMITED.map(([methods, path, limit]) => [new RegExp(`^(?:${methods}) /v1${path}/?$`), limit] as const);
/** What anybody may send: their routes count by network. A sign-out is not limited, because nobody must be kept signed in. */
const OTHERWISE =
  /^(?:POST \/v1\/(?:people|sessions(?:\/passkey(?:\/options)?)?|recovery|password-resets)|DELETE \/v1\/sessions\/current)$/;

/** Returns the limit that a request of a signed-in person counts to; undefined for a read. */
export function limitOf(method: string, path: string): LimitName | undefined {
  const request = `${method} ${path}`;
  return namedLimitOf(request) ?? (isSafe({ method }) || OTHERWISE.test(request) ? undefined : "account");
}

const namedLimitOf = (request: string): LimitName | undefined =>
  PATTERNS.find(([pattern]) => pattern.test(request))?.[1];

/** Whether a request is named here, rather than counted as another change of the account. */
export function isNamed(method: string, path: string): boolean {
  const request = `${method} ${path}`;
  return OTHERWISE.test(request) || namedLimitOf(request) !== undefined;
}
