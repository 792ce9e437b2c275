import { createRoute, z } from "@hono/zod-openapi";
import { IdempotencyKey, PageQuery } from "../../../schema/api/common.ts";
import { Handle } from "../../../schema/api/people.ts";
import { NewPost, Post, PostPage } from "../../../schema/api/posts.ts";
import { PostId } from "../../../schema/ids.ts";
import { noteOwnWrite } from "./own-writes.ts";
import { audiences, personDocuments } from "../../reads/documents.ts";
import { postPage } from "./post-page.ts";
import { claimantSeenBy, seenPerson } from "../../reads/people.ts";
import { authoredPage, presentedPost, presentOwnPost } from "../../reads/posts.ts";
import { idOfCursor } from "../../http/cursors.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { mentionsIn, requireMentionsAllowed } from "./mentions.ts";
import { publish } from "./publish.ts";
import { body, claimedViewer, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const posts = routes();

posts.openapi(
  createRoute({
    method: "post",
    path: "/posts",
    summary: "Publish a post of photographs and videos that are `ready`",
    description: "Up to ten people whom the caption mentions by @handle are notified.",
    request: { headers: IdempotencyKey, ...body(NewPost) },
    responses: {
      201: {
        ...json(Post, "Published, and on its way into every follower's feed"),
        headers: { Location: { schema: { type: "string" } } },
      },
      ...refusals,
    },
  }),
  async (c) => {
    const { caption, media } = c.req.valid("json");
    const key = c.req.valid("header")["idempotency-key"];
    const { reader } = c.var;
    const claimed = claimedViewer(c);
    // The audience is needed for the response, and is read now because the rest waits for other stores.
    const [{ person }, mentioned] = await Promise.all([
      requireViewer(c),
      mentionsIn(reader, caption),
      audiences.get(reader, [claimed.person]),
    ]);
    const mentions = mentioned.filter((id) => id !== person);
    await requireMentionsAllowed(reader, person, mentions);
    const published = await publish(reader, person, { caption, media, mentions }, key);
    const { id } = published;
    const { body: written, standing, liked } = published.post;

    noteOwnWrite(c, id, { seq: standing.seq, isNew: true });
    const author = (await personDocuments.get(reader, [person])).get(person);
    if (!author) throw new Refusal("person_not_found");
    const document = { id, author: person, ...written };
    const post = await presentOwnPost(reader, { document, author, stats: standing, likedByMe: liked });
    return c.json(post, 201, { location: `/v1/posts/${id}` });
  },
);

posts.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}",
    summary: "Get a post",
    request: { params: z.object({ post: PostId }) },
    responses: { 200: json(Post), ...refusals },
  }),
  async (c) => {
    return c.json(await presentedPost(c.var.reader, c.req.valid("param").post), 200);
  },
);

posts.openapi(
  createRoute({
    method: "get",
    path: "/people/{handle}/posts",
    summary: "List a person's posts, newest first",
    request: { params: z.object({ handle: Handle }), query: PageQuery },
    responses: { 200: json(PostPage), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const { handle } = c.req.valid("param");
    const { cursor, limit } = c.req.valid("query");
    const author = await claimantSeenBy(reader, handle);
    // Both at once, although the first may decide against the second.
    const first = authoredPage(reader, author, idOfCursor<PostId>(cursor), limit + 1);
    const [{ isBlocked, isHidden }] = await Promise.all([seenPerson(reader, author, handle), first]);
    if (isBlocked || isHidden) return c.json({ items: [] }, 200);
    let next: typeof first | undefined = first;
    return postPage(c, { cursor, limit }, (before, count) => {
      const page = next ?? authoredPage(reader, author, before, count);
      next = undefined;
      return page;
    });
  },
);
