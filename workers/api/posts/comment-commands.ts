/** Commands on an existing comment, by its author, by the post's author or by any viewer. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Comment, EditComment } from "../../../schema/api/posts.ts";
import { CommentId, PostId } from "../../../schema/ids.ts";
import { noteOwnWrite } from "./own-writes.ts";
import type { SeenComment } from "../../../schema/comments.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { blockedFor } from "../../reads/visibility.ts";
import { heldBack } from "../../reads/comment-rules.ts";
import { requireNoBlockOn } from "../../reads/comments.ts";
import { refusalFor, requireAccess } from "../../reads/posts.ts";
import { presentChanged } from "./comments.ts";
import { type App, body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const commentCommands = routes();

/** Throws if the viewer may not see the post, or if there is a block between them and the comment's author. */
async function requireSeen(c: Context<App>, post: PostId, comment: CommentId): Promise<void> {
  await requireAccess(c.var.reader, post);
  await requireNoBlockOn(c.var.reader, post, comment);
}

/**
 * Throws if the viewer may not see a comment that the actor has just returned. Its text may be newer than any replica, so
 * the primaries decide. Costs two D1 queries at the same time, or nothing for the viewer's own comment.
 */
async function requireStillSeen(c: Context<App>, post: PostId, { author }: SeenComment): Promise<void> {
  const { reader } = c.var;
  if (author === reader.person) return;
  reader.readPrimariesFromNowOn();
  const [, blocked] = await Promise.all([requireAccess(reader, post), blockedFor(reader, [author])]);
  if (blocked.size > 0) throw new Refusal("comment_not_found");
}

const params = z.object({ post: PostId, comment: CommentId });

commentCommands.openapi(
  createRoute({
    method: "patch",
    path: "/posts/{post}/comments/{comment}",
    summary: "Edit your comment",
    request: { params, ...body(EditComment) },
    responses: { 200: json(Comment), ...refusals },
  }),
  async (c) => {
    const { post, comment } = c.req.valid("param");
    const { text } = c.req.valid("json");
    const [{ person }, , held] = await Promise.all([
      requireViewer(c),
      requireSeen(c, post, comment),
      heldBack(c.var.reader, post, text),
    ]);
    const result = await c.env.POSTS.getByName(post).editComment(person, comment, text, held);
    if (!result.ok) throw await refusalFor(c.var.reader, post, result.reason);
    noteOwnWrite(c, post, { seq: result.seq });
    return c.json(await presentChanged(c, result.comment, result.pinned), 200);
  },
);

commentCommands.openapi(
  createRoute({
    method: "delete",
    path: "/posts/{post}/comments/{comment}",
    summary: "Delete a comment and its replies",
    description: "For its author and the post's author.",
    request: { params },
    responses: { 204: { description: "Deleted" }, ...refusals },
  }),
  async (c) => {
    const { post, comment } = c.req.valid("param");
    const result = await c.env.POSTS.getByName(post).removeComment((await requireViewer(c)).person, comment);
    if (!result.ok) throw await refusalFor(c.var.reader, post, result.reason);
    noteOwnWrite(c, post, { seq: result.seq });
    return c.body(null, 204);
  },
);

for (const { path, command, summaries } of [
  { path: "like", command: "likeComment", summaries: ["Like a comment", "Unlike a comment"] },
  {
    path: "pin",
    command: "pinComment",
    summaries: ["Pin a comment above all others; replaces the pinned one", "Unpin a comment"],
  },
  {
    path: "hidden",
    command: "hideComment",
    summaries: ["Hide a comment and its replies from everyone but the post's author", "Show a hidden comment again"],
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
        description: command === "likeComment" ? "Repeating it changes nothing." : "For the post's author only.",
        request: { params },
        responses: { 200: json(Comment), ...refusals },
      }),
      async (c) => {
        const { post, comment } = c.req.valid("param");
        // A post's author may hide and unpin any comment, even by someone in a block with them.
        const isForSeen = command === "likeComment" || (command === "pinComment" && wanted);
        const [{ person }] = await Promise.all([
          requireViewer(c),
          isForSeen ? requireSeen(c, post, comment) : undefined,
        ]);
        const result = await c.env.POSTS.getByName(post)[command](person, comment, wanted);
        if (!result.ok) throw await refusalFor(c.var.reader, post, result.reason);
        noteOwnWrite(c, post, { seq: result.seq });
        if (command === "likeComment") await requireStillSeen(c, post, result.comment);
        return c.json(await presentChanged(c, result.comment, result.pinned), 200);
      },
    );
  }
}
