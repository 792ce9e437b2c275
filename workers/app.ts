/** The HTTP API: mounts all routes and sets the headers that every response has. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { serveMedia } from "./media/serving/serve.ts";
import { admin } from "./api/operations/admin.ts";
import { audits } from "./api/operations/audit.ts";
import { bells } from "./api/people/bells.ts";
import { blocks } from "./api/people/blocks.ts";
import { commentCommands } from "./api/posts/comment-commands.ts";
import { comments } from "./api/posts/comments.ts";
import { asyncApi } from "./api/document/asyncapi.ts";
import { openApiDocuments } from "./api/document/documents.ts";
import { directUploads } from "./api/media/direct-uploads.ts";
import { edits } from "./api/posts/edits.ts";
import { isSafe } from "./http/cross-site.ts";
import { problem } from "./http/problems.ts";
import { Refusal } from "../schema/api/refusals.ts";
import { feed } from "./api/posts/feed.ts";
import { follows } from "./api/people/follows.ts";
import { freshShards } from "./http/fresh-shards.ts";
import { forAnyOrigin } from "./http/other-origins.ts";
import { jsonBodies } from "./http/json-bodies.ts";
import { likes } from "./api/posts/likes.ts";
import { live } from "./api/live/live.ts";
import { me } from "./api/accounts/me.ts";
import { mediaQuota } from "./api/media/media-quota.ts";
import { mediaRoutes } from "./api/media/media.ts";
import { authorTools } from "./api/moderation/author-tools.ts";
import { siteFilters } from "./api/moderation/filters.ts";
import { moderation } from "./api/moderation/cases.ts";
import { ownDecisions } from "./api/moderation/own-decisions.ts";
import { reports } from "./api/moderation/reports.ts";
import { mutedPosts } from "./api/notifications/muted-posts.ts";
import { mutes } from "./api/people/mutes.ts";
import { notifications } from "./api/notifications/notifications.ts";
import { people } from "./api/people/people.ts";
import { isNavigation, page, pages } from "./pages.ts";
import { posters } from "./api/media/posters.ts";
import { profilePictures } from "./api/media/profile-pictures.ts";
import { pictureRemovals } from "./api/moderation/picture-removals.ts";
import { changePassword } from "./api/accounts/change-password.ts";
import { ownSessions } from "./api/sessions/own-sessions.ts";
import { preferences } from "./api/notifications/preferences.ts";
import { posts } from "./api/posts/posts.ts";
import { pushSubscriptions } from "./api/notifications/push-subscriptions.ts";
import type { App } from "./http/routes.ts";
import { publicResponse } from "./responses/public-responses.ts";
import { reading } from "./responses/reader-middleware.ts";
import { recovery } from "./api/accounts/recovery.ts";
import { closing } from "./api/accounts/close-account.ts";
import { exports } from "./api/accounts/export.ts";
import { ownPasskeys } from "./api/passkeys/own-passkeys.ts";
import { passkeySignIn } from "./api/passkeys/sign-in.ts";
import { requests } from "./api/people/requests.ts";
import { SECURITY_HEADERS } from "./http/security-headers.ts";
import { sessions } from "./api/sessions/sessions.ts";
import { tickets } from "./api/live/tickets.ts";
import { uploads } from "./api/media/uploads.ts";
import { viewer } from "./api/sessions/viewer.ts";

const v1 = new OpenAPIHono<App>();

v1.use(jsonBodies);
v1.use(freshShards);
v1.use(reading);
v1.use(viewer((c, request) => inner.fetch(request, c.env, c.executionCtx)));
for (const resource of [
  feed,
  people,
  sessions,
  ownSessions,
  changePassword,
  recovery,
  passkeySignIn,
  ownPasskeys,
  me,
  closing,
  exports,
  follows,
  bells,
  requests,
  blocks,
  mutes,
  mediaRoutes,
  posters,
  profilePictures,
  pictureRemovals,
  uploads,
  directUploads,
  mediaQuota,
  posts,
  edits,
  likes,
  comments,
  commentCommands,
  live,
  tickets,
  audits,
  notifications,
  preferences,
  mutedPosts,
  pushSubscriptions,
  reports,
  moderation,
  ownDecisions,
  authorTools,
  siteFilters,
]) {
  v1.route("/", resource);
}
const documents = openApiDocuments(v1, admin);
const JSON_TYPE = { "content-type": "application/json" };
v1.get("/openapi.json", (c) => c.body(documents().app, 200, JSON_TYPE));
v1.get("/asyncapi.json", (c) => c.json(asyncApi()));

const inner = new OpenAPIHono<App>();

inner.use(async (c, next) => {
  await next();
  if (c.res.webSocket) return; // Setting headers copies the response, and a copy has no WebSocket.
  // These responses depend on the viewer; shared ones are served by publicResponse and never get here. A page has all of
  // these headers from web/public/_headers.
  const { headers } = c.res;
  if (!headers.has("cache-control"))
    c.header("cache-control", headers.has("etag") ? "private, no-cache" : "private, no-store");
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!headers.has(name)) c.header(name, value);
});
inner.onError(problem);
inner.notFound((c) => (isNavigation(c.req.raw) ? page(c, 404) : problem(new Refusal("not_found"), c)));
inner.get("/healthz", (c) => c.json({ ok: true }));
inner.route("/", pages);
inner.route("/", serveMedia);
inner.get("/v1/admin/openapi.json", (c) => c.body(documents().admin, 200, JSON_TYPE));
inner.route("/v1/admin", admin); // Mounted first, because the operator's token is not a session token.
inner.route("/v1", v1);

export const app = {
  fetch: (request: Request, env: Env, context: ExecutionContext): Promise<Response> => {
    const response = forAnyOrigin(request, env, (own) => publicResponse(inner.fetch, own, env, context));
    // A write runs to its end though its client has gone: what an actor has handed out would be lost with the request.
    if (!isSafe(request)) context.waitUntil(response.catch(() => undefined));
    return response;
  },
};
