import { createRoute, z } from "@hono/zod-openapi";
import { Liked } from "../../schema/api/posts.ts";
import { PostId } from "../../schema/ids.ts";
import { answerWithToken } from "../reads/consistency.ts";
import { ApiError } from "./errors.ts";
import { json, refusals, routes, signedIn } from "./routes.ts";

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
      const answer = await c.env.POSTS.getByName(post)[command](person);
      if (!answer.ok) throw new ApiError(answer.reason);
      const { liked, likes, seq } = answer;
      answerWithToken(c, post, seq);
      return c.json({ liked, likes, seq }, 200);
    },
  );
}
