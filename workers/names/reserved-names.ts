/** Handles and names that nobody may have, with the reason. */
import { Refusal } from "../../schema/api/refusals.ts";
import { capitalSkeletonOf, skeletonOf } from "./skeletons.ts";

/** Handles that would be mistaken for somebody in charge, with any underscores. As names they are refused as well. */
// prettier-ignore
const ROLES = [
  "abuse", "admin", "administration", "administrator", "admins", "community", "contact", "customerservice", "help",
  "helpdesk", "hostmaster", "info", "legal", "mod", "moderation", "moderator", "moderators", "mods", "noreply",
  "official", "operator", "owner", "postmaster", "press", "privacy", "root", "security", "service", "staff", "support",
  "sysadmin", "system", "team", "trust", "verified", "webmaster",
];

/** Handles that are, or may become, part of an address of the product. */
// prettier-ignore
const ADDRESSES = [
  "about", "account", "accounts", "activity", "albums", "api", "appeal", "assets", "auth", "blocks", "blog",
  "bookmarks", "close", "code", "comments", "decisions", "delete", "direct", "docs", "download", "edit", "events", "explore",
  "export", "favicon", "feed", "followers", "following", "healthz", "home", "inbox", "index", "invite", "live", "login",
  "logout", "manifest", "me", "media", "messages", "mutes", "new", "notifications", "oauth", "openapi", "password",
  "password_resets", "people", "photos", "posts", "profile", "push", "push_subscriptions", "queue", "recover",
  "recovery", "register", "reports", "requests", "reset", "robots", "search", "sessions", "settings", "share", "shop",
  "sign_in", "sign_out", "sign_up", "signin", "signout", "signup", "sitemap", "static", "status", "stories", "tags",
  "terms", "theme", "uploads", "user", "users", "v1", "v2", "videos", "web", "welcome", "well_known", "www", "your_data",
];

/** Handles that programs take for something else, or that address everybody. */
// prettier-ignore
const WORDS_OF_PROGRAMS = [
  "__proto__", "all", "anonymous", "channel", "constructor", "deleted", "everyone", "false", "ftp", "guest_user",
  "hasownproperty", "here", "localhost", "mail", "nan", "nil", "nobody", "none", "null", "prototype", "self", "smtp",
  "somebody", "someone", "test_user", "tostring", "true", "undefined", "unknown", "valueof", "void",
];

/** A handle or name that contains the product's name would be taken for the product. */
const PRODUCT = "shutterline";

const plain = (skeleton: string): string => skeleton.replaceAll(/[\p{M}\p{P}\p{S}\p{White_Space}]/gu, "");
const inBothCases = (word: string): string[] => [skeletonOf(word), capitalSkeletonOf(word.toUpperCase())].map(plain);
const roles = new Set(ROLES.flatMap(inBothCases));
const reserved = new Set([...ADDRESSES, ...WORDS_OF_PROGRAMS].map(skeletonOf));
const product = inBothCases(PRODUCT);

/** Throws `handle_reserved` for a handle that is reserved, or can be taken for one that is. Needs no query. */
export function refuseReservedHandle(handle: string): void {
  const skeleton = skeletonOf(handle);
  if (reserved.has(skeleton)) throw handleRefusal("This handle is reserved for Shutterline’s own pages.");
  if (isOfProduct(skeleton)) throw handleRefusal("This handle looks like one of the people who run Shutterline.");
}

/** Throws `name_reserved` for a name that can be taken for somebody in charge. Needs no query. */
export function refuseReservedName(name: string): void {
  if (![skeletonOf(name), capitalSkeletonOf(name)].some(isOfProduct)) return;
  const message = "This name looks like one of the people who run Shutterline. Choose another one.";
  throw new Refusal("name_reserved", message, [{ path: "name", message }]);
}

const isOfProduct = (skeleton: string): boolean =>
  roles.has(plain(skeleton)) || product.some((name) => plain(skeleton).includes(name)) || /^_*$/.test(skeleton);

function handleRefusal(reason: string): Refusal {
  const message = `${reason} Choose another one.`;
  return new Refusal("handle_reserved", message, [{ path: "handle", message }]);
}

/** Every reserved handle. Exported for the test that compares it with the addresses of the product. */
export const RESERVED_HANDLES: readonly string[] = [...ROLES, ...ADDRESSES, ...WORDS_OF_PROGRAMS];
