/** Muted posts: a person gets no more notifications about them. */
import { createRoute, z } from "@hono/zod-openapi";
import { Muted } from "../../../schema/api/people.ts";
import { PostId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { viewablePost } from "../../reads/posts.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const mutedPosts = routes();

const MUTED_MAX = 1000;

const route = {
  path: "/posts/{post}/mute",
  request: { params: z.object({ post: PostId }) },
  responses: { 200: json(Muted), ...refusals },
} as const;

mutedPosts.openapi(
  createRoute({ ...route, method: "get", summary: "Tell whether the viewer has muted a post" }),
  async (c) => {
    const { person } = requireViewer(c);
    const { post } = c.req.valid("param");
    const rows = await c.var.reader.primary(person, IS_MUTED, person, post);
    return c.json({ mutedByMe: rows.length > 0 }, 200);
  },
);

mutedPosts.openapi(
  createRoute({
    ...route,
    method: "put",
    summary: "Mute a post: no more notifications of its likes, comments, replies and mentions",
    description: `A person can mute up to ${MUTED_MAX} posts. Repeating it changes nothing.`,
  }),
  async (c) => {
    const { person } = requireViewer(c);
    const { post } = c.req.valid("param");
    await viewablePost(c.var.reader, post);
    const database = databaseOf(c.env, person);
    const [, muted] = await c.var.reader.write(person, [
      database.prepare(MUTE).bind(person, post),
      database.prepare(IS_MUTED).bind(person, post),
    ]);
    if (muted?.results.length === 0) throw new ApiError("too_many_mutes");
    return c.json({ mutedByMe: true }, 200);
  },
);

mutedPosts.openapi(createRoute({ ...route, method: "delete", summary: "Unmute a post" }), async (c) => {
  const { person } = requireViewer(c);
  const { post } = c.req.valid("param");
  const unmute = databaseOf(c.env, person).prepare("DELETE FROM muted_posts WHERE person = ? AND post = ?");
  await c.var.reader.write(person, [unmute.bind(person, post)]);
  return c.json({ mutedByMe: false }, 200);
});

const IS_MUTED = "SELECT 1 FROM muted_posts WHERE person = ?1 AND post = ?2";
const MUTE = `
  INSERT INTO muted_posts (person, post) SELECT ?1, ?2
  WHERE (SELECT count(*) FROM muted_posts WHERE person = ?1) < ${MUTED_MAX} ON CONFLICT DO NOTHING`;
