/** What an author does with a post that is published. */
import { createRoute, z } from "@hono/zod-openapi";
import { Captions, EditPost, Post } from "../../../schema/api/posts.ts";
import { PostId } from "../../../schema/ids.ts";
import { projectAtOnce } from "../../projector/projector.ts";
import { answerWithToken } from "./own-writes.ts";
import { personDocuments, postDocuments } from "../../reads/documents.ts";
import { presentOwnPost, refused } from "../../reads/posts.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes, signedIn } from "../../http/routes.ts";

export const edits = routes();

/** Likes and comments that are on their way to D1 are not in what is written here. */
const NOTHING_MORE = { from: 0, to: 0 };
const request = { params: z.object({ post: PostId }) };

edits.openapi(
  createRoute({
    method: "patch",
    path: "/posts/{post}",
    summary: "Change a post's caption, or who may comment on it",
    request: { ...request, ...body(EditPost) },
    responses: { 200: json(Post), ...refusals },
  }),
  async (c) => {
    const { person } = signedIn(c);
    const { post } = c.req.valid("param");
    const { caption, commentPolicy } = c.req.valid("json");
    const answer = await c.env.POSTS.getByName(post).edit(person, { caption, policy: commentPolicy });
    if (!answer.ok) throw await refused(c.var.reader, post, answer.reason);
    const { body: written, standing, liked, confirmed } = answer;

    answerWithToken(c, post, { seq: standing.seq });
    await projectAtOnce(c.var.reader, {
      post,
      author: person,
      ...NOTHING_MORE,
      confirmed,
      standing,
      body: { ...written, seq: standing.bodySeq },
    });
    const author = (await personDocuments.get(c.var.reader, [person])).get(person);
    if (!author) throw new ApiError("person_not_found");
    const document = { id: post, author: person, ...written };
    const shown = await presentOwnPost(c.var.reader, { document, author, stats: standing, likedByMe: liked });
    return c.json(shown, 200);
  },
);

edits.openapi(
  createRoute({
    method: "delete",
    path: "/posts/{post}",
    summary: "Delete a post, with its likes and comments",
    description:
      "For ever, and at once for everybody. Its pictures are not served any more within about a minute, and gone from every cache of ours within an hour.",
    request,
    responses: { 204: { description: "Gone" }, ...refusals },
  }),
  async (c) => {
    const { person } = signedIn(c);
    const { post } = c.req.valid("param");
    const answer = await c.env.POSTS.getByName(post).remove(person);
    if (!answer.ok) throw await refused(c.var.reader, post, answer.reason);
    const { standing, body: rest } = answer;
    answerWithToken(c, post, { seq: standing.seq });
    await projectAtOnce(c.var.reader, {
      post,
      author: person,
      ...NOTHING_MORE,
      confirmed: 0,
      standing,
      body: { ...rest, seq: standing.bodySeq },
    });
    c.executionCtx.waitUntil(postDocuments.forget(c.env, post));
    return c.body(null, 204);
  },
);

edits.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/captions",
    summary: "What a post's caption was before, for its author",
    request,
    responses: { 200: json(Captions), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    const answer = await c.env.POSTS.getByName(post).captions(signedIn(c).person);
    if (!answer.ok) throw await refused(c.var.reader, post, answer.reason);
    const items = answer.captions.map(({ caption, at }) => ({ caption, at: new Date(at).toISOString() }));
    return c.json({ items }, 200);
  },
);
