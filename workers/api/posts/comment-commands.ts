/** What is done to a comment that is there: by who wrote it, by the post's author, or by anybody. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Comment, EditComment } from "../../../schema/api/posts.ts";
import { CommentId, PostId } from "../../../schema/ids.ts";
import { answerWithToken } from "./own-writes.ts";
import { requireNoBlockOn } from "../../reads/comments.ts";
import { refused, requireAccess } from "../../reads/posts.ts";
import { presentOne } from "./comments.ts";
import { type App, body, json, refusals, routes, signedIn } from "../../http/routes.ts";

export const commentCommands = routes();

/** Refuses who may not see the post, or is in a block with the author of the comment. */
async function requireSeen(c: Context<App>, post: PostId, comment: CommentId): Promise<void> {
  await requireAccess(c.var.reader, post);
  await requireNoBlockOn(c.var.reader, post, comment);
}

const params = z.object({ post: PostId, comment: CommentId });

commentCommands.openapi(
  createRoute({
    method: "patch",
    path: "/posts/{post}/comments/{comment}",
    summary: "Change what a comment of the caller's says",
    request: { params, ...body(EditComment) },
    responses: { 200: json(Comment), ...refusals },
  }),
  async (c) => {
    const { post, comment } = c.req.valid("param");
    const { person } = signedIn(c);
    await requireSeen(c, post, comment);
    const answer = await c.env.POSTS.getByName(post).editComment(person, comment, c.req.valid("json").text);
    if (!answer.ok) throw await refused(c.var.reader, post, answer.reason);
    answerWithToken(c, post, { seq: answer.seq });
    return c.json(await presentOne(c, answer.comment, answer.pinned), 200);
  },
);

commentCommands.openapi(
  createRoute({
    method: "delete",
    path: "/posts/{post}/comments/{comment}",
    summary: "Delete a comment, with the replies to it",
    description: "By who wrote it, or by the post's author.",
    request: { params },
    responses: { 204: { description: "Gone" }, ...refusals },
  }),
  async (c) => {
    const { post, comment } = c.req.valid("param");
    const answer = await c.env.POSTS.getByName(post).removeComment(signedIn(c).person, comment);
    if (!answer.ok) throw await refused(c.var.reader, post, answer.reason);
    answerWithToken(c, post, { seq: answer.seq });
    return c.body(null, 204);
  },
);

for (const { path, command, summaries } of [
  { path: "like", command: "likeComment", summaries: ["Like a comment", "Take the like of a comment back"] },
  {
    path: "pin",
    command: "pinComment",
    summaries: ["Pin a comment above all others, in place of the one that was", "Pin a comment no longer"],
  },
  {
    path: "hidden",
    command: "hideComment",
    summaries: ["Hide a comment, and the replies to it, from everybody else", "Show a hidden comment again"],
  },
] as const) {
  for (const [method, wanted, summary] of [
    ["put", true, summaries[0]],
    ["delete", false, summaries[1]],
  ] as const) {
    commentCommands.openapi(
      createRoute({
        method,
        path: `/posts/{post}/comments/{comment}/${path}`,
        summary,
        description: command === "likeComment" ? "Repeating it changes nothing." : "By the post's author.",
        request: { params },
        responses: { 200: json(Comment), ...refusals },
      }),
      async (c) => {
        const { post, comment } = c.req.valid("param");
        const { person } = signedIn(c);
        // A post's author hides and unpins whatever stands there.
        if (command === "likeComment" || (command === "pinComment" && wanted)) await requireSeen(c, post, comment);
        const answer = await c.env.POSTS.getByName(post)[command](person, comment, wanted);
        if (!answer.ok) throw await refused(c.var.reader, post, answer.reason);
        answerWithToken(c, post, { seq: answer.seq });
        return c.json(await presentOne(c, answer.comment, answer.pinned), 200);
      },
    );
  }
}
