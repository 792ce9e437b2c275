import { createRoute, z } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { PeoplePage } from "../../../schema/api/people.ts";
import { Liked } from "../../../schema/api/posts.ts";
import { type PersonId, PostId } from "../../../schema/ids.ts";
import { noteOwnWrite } from "./own-writes.ts";
import { fullPage } from "../../reads/full-page.ts";
import { refusalFor, requireAccess, viewablePost } from "../../reads/posts.ts";
import { mayWriteTo, peopleSeenBy } from "../../reads/visibility.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { deliverSoon } from "../../projector/handed-out.ts";
import { setLike } from "./hot-posts.ts";
import { json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const likes = routes();

for (const { wanted, ...operation } of [
  { method: "put", wanted: true, summary: "Like a post" },
  { method: "delete", wanted: false, summary: "Unlike a post" },
] as const) {
  likes.openapi(
    createRoute({
      ...operation,
      path: "/posts/{post}/like",
      description: "Repeating it changes nothing.",
      request: { params: z.object({ post: PostId }) },
      responses: { 200: json(Liked, "The number of likes after this write"), ...refusals },
    }),
    async (c) => {
      const { post } = c.req.valid("param");
      const access = wanted ? requireAccess(c.var.reader, post) : undefined;
      const [{ person }] = await Promise.all([requireViewer(c), access]);
      const result = await setLike(c.env, post, person, wanted);
      if (!result.ok) throw wanted ? new Refusal(result.reason) : await refusalFor(c.var.reader, post, result.reason);
      const { liked, likes, seq } = result;
      deliverSoon(c.env, c.executionCtx, result);
      // A like can be taken back despite a block, but the response must reveal nothing of a hidden private post.
      if (!wanted && !(await mayWriteTo(c.var.reader, post, { despiteBlocks: true })))
        throw new Refusal("post_not_found");
      noteOwnWrite(c, post, { seq, liked });
      return c.json({ liked, likes, seq }, 200);
    },
  );
}

likes.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/likes",
    summary: "List the people who like a post",
    description:
      "Ordered by sign-up, newest first. New likes do not change this order, so pages have no gaps or repeats.",
    request: { params: z.object({ post: PostId }), query: PageQuery },
    responses: { 200: json(PeoplePage), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    const { cursor, limit } = c.req.valid("query");
    const { reader } = c.var;
    await viewablePost(reader, post);
    const { items, next } = await fullPage({
      after: idOfCursor<PersonId>(cursor),
      limit,
      read: async (before, count) => {
        const result = await c.env.POSTS.getByName(post).likers(before, count);
        if (!result.ok) throw new Refusal(result.reason);
        // Some may have liked a post that is hidden from the viewer since.
        reader.readPrimariesFromNowOn();
        await requireAccess(reader, post);
        return result.people;
      },
      keyOf: (person) => person,
      itemKey: (person) => person,
      show: (people) => peopleSeenBy(reader, people),
    });
    return c.json(pageWithCursor(items, next), 200);
  },
);
