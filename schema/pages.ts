/**
 * The paths of the web client's pages. The client renders them and the Worker answers them with the client's HTML, so
 * that a path that is none of them is 404. In the syntax of hono and preact-iso.
 */
export const PAGES = [
  "/",
  "/sign-in",
  "/sign-up",
  "/people",
  "/people/:handle",
  "/people/:handle/followers",
  "/people/:handle/following",
  "/posts/:id",
  "/posts/:id/likes",
  "/new",
  "/notifications",
  "/requests",
  "/decisions",
  "/moderation",
  "/moderation/words",
  "/moderation/log",
  "/settings",
  "/settings/security",
  "/settings/notifications",
  "/settings/privacy",
  "/recover",
  "/reset",
  "/your-data",
] as const;
export type Page = (typeof PAGES)[number];
