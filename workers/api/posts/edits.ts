/** Commands of an author on a published post. */
import { createRoute, z } from "@hono/zod-openapi";
import { Captions, EditPost, Post } from "../../../schema/api/posts.ts";
import { PostId } from "../../../schema/ids.ts";
import { projectAtOnce } from "../../projector/post-rows.ts";
import { noteOwnWrite } from "./own-writes.ts";
import { personDocuments } from "../../reads/documents.ts";
import { presentOwnPost, refusalFor } from "../../reads/posts.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const edits = routes();

/** These writes carry no likes or comments; those reach D1 by the outbox. */
const NO_LIKES_OR_COMMENTS = { from: 0, to: 0 };
const request = { params: z.object({ post: PostId }) };

edits.openapi(
  createRoute({
    method: "patch",
    path: "/posts/{post}",
    summary: "Edit a post's caption, or who may comment on it",
    request: { ...request, ...body(EditPost) },
    responses: { 200: json(Post), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { post } = c.req.valid("param");
    const { caption, commentPolicy } = c.req.valid("json");
    const result = await c.env.POSTS.getByName(post).edit(person, { caption, policy: commentPolicy });
    if (!result.ok) throw await refusalFor(c.var.reader, post, result.reason);
    const { body: written, standing, liked, confirmed } = result;

    noteOwnWrite(c, post, { seq: standing.seq });
    await projectAtOnce(c.var.reader, {
      post,
      author: person,
      ...NO_LIKES_OR_COMMENTS,
      confirmed,
      standing,
      body: { ...written, seq: standing.bodySeq },
    });
    const author = (await personDocuments.get(c.var.reader, [person])).get(person);
    if (!author) throw new Refusal("person_not_found");
    const document = { id: post, author: person, ...written };
    const shown = await presentOwnPost(c.var.reader, { document, author, stats: standing, likedByMe: liked });
    return c.json(shown, 200);
  },
);

edits.openapi(
  createRoute({
    method: "delete",
    path: "/posts/{post}",
    summary: "Delete a post with its likes and comments",
    description:
      "Cannot be undone. Others may see the post for some more seconds. Its pictures are no longer served after about " +
      "a minute, and are gone from all our caches within an hour.",
    request,
    responses: { 204: { description: "Deleted" }, ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { post } = c.req.valid("param");
    const result = await c.env.POSTS.getByName(post).remove(person);
    if (!result.ok) throw await refusalFor(c.var.reader, post, result.reason);
    const { standing, body: rest } = result;
    noteOwnWrite(c, post, { seq: standing.seq });
    await projectAtOnce(c.var.reader, {
      post,
      author: person,
      ...NO_LIKES_OR_COMMENTS,
      confirmed: 0,
      standing,
      body: { ...rest, seq: standing.bodySeq },
    });
    return c.body(null, 204);
  },
);

edits.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/captions",
    summary: "List the earlier captions of a post, for its author",
    request,
    responses: { 200: json(Captions), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    const result = await c.env.POSTS.getByName(post).captions((await requireViewer(c)).person);
    if (!result.ok) throw await refusalFor(c.var.reader, post, result.reason);
    const items = result.captions.map(({ caption, at }) => ({ caption, at: new Date(at).toISOString() }));
    return c.json({ items }, 200);
  },
);
