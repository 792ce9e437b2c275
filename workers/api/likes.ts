import { createRoute, z } from "@hono/zod-openapi";
import { Liked } from "../../schema/api/posts.ts";
import { PostId } from "../../schema/ids.ts";
import { answerWithToken } from "../reads/consistency.ts";
import { ApiError } from "./errors.ts";
import { json, refusals, routes, signedIn } from "./routes.ts";

export const likes = routes();

const like = (method: "put" | "delete", summary: string) =>
  createRoute({
    method,
    path: "/posts/{post}/like",
    summary,
    request: { params: z.object({ post: PostId }) },
    responses: { 200: json(Liked, "The count that includes this write; repeating it changes nothing"), ...refusals },
  });

likes.openapi(like("put", "Like a post"), async (c) => {
  const { person } = signedIn(c);
  const { post } = c.req.valid("param");
  const answer = await c.env.POSTS.getByName(post).like(person);
  if (!answer.ok) throw new ApiError(answer.reason);
  answerWithToken(c, post, answer.seq);
  return c.json({ liked: answer.liked, likes: answer.likes, seq: answer.seq }, 200);
});

likes.openapi(like("delete", "Take a like back"), async (c) => {
  const { person } = signedIn(c);
  const { post } = c.req.valid("param");
  const answer = await c.env.POSTS.getByName(post).unlike(person);
  if (!answer.ok) throw new ApiError(answer.reason);
  answerWithToken(c, post, answer.seq);
  return c.json({ liked: answer.liked, likes: answer.likes, seq: answer.seq }, 200);
});
