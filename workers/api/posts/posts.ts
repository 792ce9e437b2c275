import { createRoute, z } from "@hono/zod-openapi";
import { IdempotencyKey, PageQuery } from "../../../schema/api/common.ts";
import { Handle } from "../../../schema/api/people.ts";
import { NewPost, Post, PostPage } from "../../../schema/api/posts.ts";
import { PostId } from "../../../schema/ids.ts";
import { answerWithToken } from "./own-writes.ts";
import { personDocuments } from "../../reads/documents.ts";
import { postsOf } from "../../feeds/skeleton.ts";
import { postPage } from "./post-page.ts";
import { personSeenBy } from "../../reads/people.ts";
import { presentOwnPost, presentPosts, skeletonOf } from "../../reads/posts.ts";
import { isHiddenFrom } from "../../reads/visibility.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { mentionsIn } from "./mentions.ts";
import { publish } from "./publish.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const posts = routes();

posts.openapi(
  createRoute({
    method: "post",
    path: "/posts",
    summary: "Publish a post of photographs and videos that are `ready`",
    description: "Up to ten people whom the caption mentions by @handle are notified.",
    request: { headers: IdempotencyKey, ...body(NewPost) },
    responses: { 201: json(Post, "Published, and on its way into every follower's feed"), ...refusals },
  }),
  async (c) => {
    const { person } = requireViewer(c);
    const { caption, media } = c.req.valid("json");
    const key = c.req.valid("header")["idempotency-key"];
    const mentions = (await mentionsIn(c.var.reader, caption)).filter((mentioned) => mentioned !== person);
    const published = await publish(c.var.reader, person, { caption, media, mentions }, key);
    const { id } = published;
    const { body: written, standing, liked } = published.post;

    answerWithToken(c, id, { seq: standing.seq });
    const author = (await personDocuments.get(c.var.reader, [person])).get(person);
    if (!author) throw new ApiError("person_not_found");
    const document = { id, author: person, ...written };
    const post = await presentOwnPost(c.var.reader, { document, author, stats: standing, likedByMe: liked });
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
    const id = c.req.valid("param").post;
    const { reader } = c.var;
    const skeleton = await skeletonOf(reader, [id]);
    const post = (await presentPosts(reader, skeleton)).get(id);
    if (!post) throw new ApiError("post_not_found");
    return c.json(post, 200);
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
    const { person: author, isBlocked } = await personSeenBy(reader, c.req.valid("param").handle);
    const isHidden = isBlocked || (reader.person !== undefined && (await isHiddenFrom(reader, author)));
    if (isHidden) return c.json({ items: [] }, 200); // The viewer may see none of them, so none is read.
    return postPage(c, c.req.valid("query"), async (before, count) =>
      skeletonOf(reader, await postsOf(reader, author, before, count)),
    );
  },
);
