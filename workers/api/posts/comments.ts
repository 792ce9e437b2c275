import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { SeenComment } from "../../../schema/comments.ts";
import { IdempotencyKey, PageQuery } from "../../../schema/api/common.ts";
import {
  type Comment,
  Comment as CommentSchema,
  CommentPage,
  CommentsQuery,
  NewComment,
} from "../../../schema/api/posts.ts";
import { bindingOf } from "../../../schema/d1/shards.ts";
import { CommentId, PostId } from "../../../schema/ids.ts";
import {
  type CommentKey,
  type CommentOrder,
  presentComments,
  requireNoBlockOn,
  type ThreadQuery,
  threadOf,
} from "../../reads/comments.ts";
import { heldBack } from "../../reads/comment-rules.ts";
import { noteOwnWrite } from "./own-writes.ts";
import { Reader } from "../../storage/reader.ts";
import { fullPage } from "../../reads/full-page.ts";
import { followedAmong } from "../../reads/follows.ts";
import { requireAccess, viewablePost } from "../../reads/posts.ts";
import { cursorId, decodeCursor, encodeCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { deliverSoon } from "../../projector/handed-out.ts";
import { mentionsIn, requireMentionsAllowed } from "./mentions.ts";
import { type App, body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const comments = routes();

comments.openapi(
  createRoute({
    method: "post",
    path: "/posts/{post}/comments",
    summary: "Comment on a post, or reply to a comment",
    description:
      "A reply to a reply joins the same thread and names the person it answers. Up to ten people whom the " +
      "text mentions by @handle are notified; an edit notifies nobody.",
    request: { params: z.object({ post: PostId }), headers: IdempotencyKey, ...body(NewComment) },
    responses: { 201: json(CommentSchema), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const { post } = c.req.valid("param");
    const { replyTo, text } = c.req.valid("json");
    // All at once: none depends on another, and nothing is written yet.
    const [{ person: author }, , mentions, held] = await Promise.all([
      requireViewer(c),
      requireAccess(reader, post),
      mentionsIn(reader, text),
      heldBack(reader, post, text),
    ]);
    if (replyTo) await requireNoBlockOn(reader, post, replyTo);
    await requireMentionsAllowed(reader, author, mentions);
    const command = { author, text, replyTo, mentions, key: c.req.valid("header")["idempotency-key"] };
    const actor = c.env.POSTS.getByName(post);
    let result = await actor.comment({ ...command, held }, { takes: true });
    if (!result.ok && result.reason === "followers_only" && (await isFollower(c, post))) {
      result = await actor.comment({ ...command, held, isFollower: true }, { takes: true });
    }
    if (!result.ok) throw new Refusal(result.reason);
    deliverSoon(c.env, c.executionCtx, result);
    noteOwnWrite(c, post, { seq: result.seq });
    return c.json(await presentChanged(c, result.comment), 201);
  },
);

/** Tells whether the viewer follows the post's author. Called only if the post's comment policy depends on it. */
async function isFollower(c: Context<App>, post: PostId): Promise<boolean> {
  const { document } = await viewablePost(c.var.reader, post);
  return (await followedAmong(c.var.reader, new Set([document.author]))).has(document.author);
}

comments.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/comments",
    summary: "List the comments on a post, without their replies",
    description: "The pinned comment comes first. The ranking of the most liked may change from one page to the next.",
    request: { params: z.object({ post: PostId }), query: CommentsQuery },
    responses: { 200: json(CommentPage), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    const { cursor, limit, order } = c.req.valid("query");
    return c.json(await pageOf(c, post, { order }, keyOfCursor(cursor, order), limit), 200);
  },
);

comments.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/comments/{comment}/replies",
    summary: "List the replies to a comment, oldest first",
    request: { params: z.object({ post: PostId, comment: CommentId }), query: PageQuery },
    responses: { 200: json(CommentPage), ...refusals },
  }),
  async (c) => {
    const { post, comment } = c.req.valid("param");
    const { cursor, limit } = c.req.valid("query");
    return c.json(await pageOf(c, post, { parent: comment }, keyOfCursor(cursor, "oldest"), limit), 200);
  },
);

/** Presents a comment to the person who has just changed it, who may therefore see it. */
export async function presentChanged(c: Context<App>, comment: SeenComment, pinned = false): Promise<Comment> {
  const anonymous = new Reader(c.env, c.executionCtx);
  const presented = await presentComments(anonymous, [comment], pinned ? comment.id : undefined);
  const found = presented.get(comment.id);
  if (!found) throw new Refusal("person_not_found");
  return found;
}

async function pageOf(c: Context<App>, post: PostId, query: ThreadQuery, after: CommentKey | undefined, limit: number) {
  const { reader } = c.var;
  const isHere = reader.person !== undefined && bindingOf(c.env, reader.person) === bindingOf(c.env, post);
  const { read, pinned, seq, at, moderates } = await threadOf(reader, post, query, { after, limit: limit + 1 });
  const show = (rows: SeenComment[]) =>
    presentComments(reader, rows, pinned?.id, { asOf: isHere ? at : undefined, moderates });
  const { items, next } = await fullPage({
    after,
    limit,
    read,
    keyOf: ({ id, likes }): CommentKey => ({ id, likes }),
    itemKey: ({ id }) => id,
    show,
  });
  const first = pinned && !after ? [...(await show([pinned])).values()] : [];
  return { items: [...first, ...items], seq, ...(next && { next: encodeCursor([next.id, String(next.likes)]) }) };
}

function keyOfCursor(cursor: string | undefined, order: CommentOrder): CommentKey | undefined {
  if (cursor === undefined) return undefined;
  const [id, likes] = decodeCursor(cursor, 2);
  if (order === "most_liked" && !/^\d{1,10}$/.test(likes)) throw new Refusal("invalid_cursor");
  return { id: cursorId<CommentId>(id), likes: Number(likes) };
}
