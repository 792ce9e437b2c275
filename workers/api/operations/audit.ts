import { createRoute, z } from "@hono/zod-openapi";
import { Audit } from "../../../schema/api/audit.ts";
import { PostId } from "../../../schema/ids.ts";
import { audit } from "../../projector/audit.ts";
import { viewablePost } from "../../reads/posts.ts";
import { ApiError } from "../../../schema/api/refusals.ts";
import { json, refusals, routes } from "../../http/routes.ts";

/** Bounds the cost, because this route is public and an audit counts comments one by one. */
const LISTED_UP_TO = 1000;

export const audits = routes();

audits.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/audit",
    summary: "Audit a post: compare its counts and likers with its actor",
    request: { params: z.object({ post: PostId }) },
    responses: { 200: json(Audit), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    await viewablePost(c.var.reader, post);
    const found = await audit(c.env, post, LISTED_UP_TO);
    if (!found) throw new ApiError("post_not_found");
    return c.json(found, 200);
  },
);
