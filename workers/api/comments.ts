import { createRoute, z } from "@hono/zod-openapi";
import { IdempotencyKey, PageQuery } from "../../schema/api/common.ts";
import { Comment, CommentPage, NewComment } from "../../schema/api/posts.ts";
import { type CommentId, PostId } from "../../schema/ids.ts";
import { commentsOf, presentComment, presentComments } from "../reads/comments.ts";
import { answerWithToken } from "../reads/consistency.ts";
import { personDocuments, postDocuments } from "../reads/documents.ts";
import { fullPage } from "../reads/full-page.ts";
import { readerOf } from "../reads/posts.ts";
import { canView } from "../reads/visibility.ts";
import { idOfCursor, pageWithCursor } from "./cursors.ts";
import { ApiError } from "./errors.ts";
import { body, json, refusals, routes, signedIn } from "./routes.ts";

export const comments = routes();

comments.openapi(
  createRoute({
    method: "post",
    path: "/posts/{post}/comments",
    summary: "Comment on a post",
    request: { params: z.object({ post: PostId }), headers: IdempotencyKey, ...body(NewComment) },
    responses: { 201: json(Comment), ...refusals },
  }),
  async (c) => {
    const { person } = signedIn(c);
    const { post } = c.req.valid("param");
    const author = (await personDocuments.get(c.env, c.executionCtx, [person])).get(person);
    if (!author) throw new ApiError("person_not_found");
    const key = c.req.valid("header")["idempotency-key"];
    const answer = await c.env.POSTS.getByName(post).comment(person, c.req.valid("json").text, key);
    if (!answer.ok) throw new ApiError(answer.reason);
    answerWithToken(c, post, answer.seq);
    return c.json(presentComment(answer.comment, author), 201);
  },
);

comments.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/comments",
    summary: "The comments of a post, oldest first",
    request: { params: z.object({ post: PostId }), query: PageQuery },
    responses: { 200: json(CommentPage), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    const { cursor, limit } = c.req.valid("query");
    const reader = readerOf(c);
    const document = (await postDocuments.get(c.env, c.executionCtx, [post])).get(post);
    if (!canView(reader.person, document)) throw new ApiError("post_not_found");
    const { items, next } = await fullPage({
      after: idOfCursor<CommentId>(cursor),
      limit,
      read: (after, count) => commentsOf(c.env, reader, post, after, count),
      keyOf: ({ id }) => id,
      show: (rows) => presentComments(c.env, c.executionCtx, rows),
    });
    return c.json(pageWithCursor(items, next), 200);
  },
);
