import { createRoute, z } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { PeoplePage } from "../../../schema/api/people.ts";
import { Liked } from "../../../schema/api/posts.ts";
import { type PersonId, PostId } from "../../../schema/ids.ts";
import { answerWithToken } from "./own-writes.ts";
import { fullPage } from "../../reads/full-page.ts";
import { requireAccess, viewablePost } from "../../reads/posts.ts";
import { mayWriteTo, peopleSeenBy } from "../../reads/visibility.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { setLike } from "./hot-posts.ts";
import { json, refusals, routes, signedIn } from "../../http/routes.ts";

export const likes = routes();

for (const { method, command, summary } of [
  { method: "put", command: "like", summary: "Like a post" },
  { method: "delete", command: "unlike", summary: "Take a like back" },
] as const) {
  likes.openapi(
    createRoute({
      method,
      path: "/posts/{post}/like",
      summary,
      description: "Repeating it changes nothing.",
      request: { params: z.object({ post: PostId }) },
      responses: { 200: json(Liked, "The count, this write included"), ...refusals },
    }),
    async (c) => {
      const { person } = signedIn(c);
      const { post } = c.req.valid("param");
      if (command === "like") await requireAccess(c.var.reader, post);
      const answer = await setLike(c.env, post, person, command === "like");
      if (!answer.ok) throw new ApiError(answer.reason);
      // A like can be taken back whatever stands between the two, but of a private post it is told nothing.
      if (command === "unlike" && !(await mayWriteTo(c.var.reader, post, { despiteBlocks: true })))
        throw new ApiError("post_not_found");
      const { liked, likes, seq } = answer;
      answerWithToken(c, post, { seq, liked });
      return c.json({ liked, likes, seq }, 200);
    },
  );
}

likes.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/likes",
    summary: "Who likes a post",
    description:
      "Those who signed up last come first: an order that no like changes, so no page has a gap or a repeat.",
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
        const answer = await c.env.POSTS.getByName(post).likers(before, count);
        if (!answer.ok) throw new ApiError(answer.reason);
        return answer.people;
      },
      keyOf: (person) => person,
      itemKey: (person) => person,
      show: (people) => peopleSeenBy(reader, people),
    });
    return c.json(pageWithCursor(items, next), 200);
  },
);
