/** The HTTP surface: what is mounted where, and what is true of every request. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { serveMedia } from "../media/serving/serve.ts";
import { admin } from "./admin.ts";
import { audits } from "./audit.ts";
import { bells } from "./bells.ts";
import { blocks } from "./blocks.ts";
import { commentCommands } from "./comment-commands.ts";
import { comments } from "./comments.ts";
import { directUploads } from "./direct-uploads.ts";
import { edits } from "./edits.ts";
import { ApiError, problem } from "./errors.ts";
import { feed } from "./feed.ts";
import { follows } from "./follows.ts";
import { freshShards } from "./fresh-shards.ts";
import { jsonBodies } from "./json-bodies.ts";
import { likes } from "./likes.ts";
import { live } from "./live.ts";
import { me } from "./me.ts";
import { mediaQuota } from "./media-quota.ts";
import { mediaRoutes } from "./media.ts";
import { mutedPosts } from "./muted-posts.ts";
import { mutes } from "./mutes.ts";
import { notifications } from "./notifications.ts";
import { people } from "./people.ts";
import { posters } from "./posters.ts";
import { preferences } from "./preferences.ts";
import { posts } from "./posts.ts";
import { pushSubscriptions } from "./push-subscriptions.ts";
import type { App } from "./routes.ts";
import { publicAnswer } from "./public-answers.ts";
import { reading } from "./reading.ts";
import { requests } from "./requests.ts";
import { sessions } from "./sessions.ts";
import { uploads } from "./uploads.ts";
import { viewer } from "./viewer.ts";

const v1 = new OpenAPIHono<App>();

v1.use(jsonBodies);
v1.use(freshShards);
v1.use(reading);
v1.route("/", feed);
v1.use(viewer);
for (const resource of [
  people,
  sessions,
  me,
  follows,
  bells,
  requests,
  blocks,
  mutes,
  mediaRoutes,
  posters,
  uploads,
  directUploads,
  mediaQuota,
  posts,
  edits,
  likes,
  comments,
  commentCommands,
  live,
  audits,
  notifications,
  preferences,
  mutedPosts,
  pushSubscriptions,
]) {
  v1.route("/", resource);
}
v1.doc31("/openapi.json", {
  openapi: "3.1.0",
  info: {
    title: "Shutterline",
    version: "1",
    description: "A photo and video feed that runs at the edge. Errors are problem+json with a stable `code`.",
  },
});

const inner = new OpenAPIHono<App>();

inner.use(async (c, next) => {
  await next();
  if (c.res.webSocket) return; // A copy with other headers would not be one.
  // What is here depends on who asks; what does not is answered before it comes here.
  const { headers } = c.res;
  if (!headers.has("cache-control"))
    c.header("cache-control", headers.has("etag") ? "private, no-cache" : "private, no-store");
  c.header("x-content-type-options", "nosniff");
  c.header("strict-transport-security", "max-age=63072000; includeSubDomains");
});
inner.onError(problem);
inner.notFound((c) => problem(new ApiError("not_found"), c));
inner.get("/healthz", (c) => c.json({ ok: true }));
inner.route("/", serveMedia);
inner.route("/v1/admin", admin); // Before the others: the operator's token is no session's.
inner.route("/v1", v1);

export const app = {
  fetch: (request: Request, env: Env, context: ExecutionContext): Promise<Response> =>
    publicAnswer(inner.fetch, request, env, context),
};
