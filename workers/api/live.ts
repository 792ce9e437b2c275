import { createRoute, z } from "@hono/zod-openapi";
import { LiveFrame } from "../../schema/api/live.ts";
import { PostId } from "../../schema/ids.ts";
import { viewablePost } from "../reads/posts.ts";
import { refuseOtherSites } from "./cross-site.ts";
import { ApiError } from "./errors.ts";
import { json, refusals, routes } from "./routes.ts";

export const live = routes();

live.openapi(
  createRoute({
    method: "get",
    path: "/posts/{post}/live",
    summary: "A post as it changes, over a WebSocket",
    description:
      "Each message is a LiveFrame. After a disconnection go on with `since`, the `seq` of the last frame: nothing is left " +
      "out and nothing comes twice. `ping` is answered with `pong`. Closed with 4404 when the post is gone.",
    request: {
      params: z.object({ post: PostId }),
      query: z.object({ since: z.coerce.number().int().nonnegative().optional() }),
    },
    responses: { 101: json(LiveFrame, "Frames of this form follow"), ...refusals },
  }),
  async (c) => {
    const { post } = c.req.valid("param");
    const { since } = c.req.valid("query");
    if (c.req.header("upgrade") !== "websocket") throw new ApiError("upgrade_required");
    // Browsers let any page open sockets, with the cookie of who looks at it.
    if (c.var.viewer) refuseOtherSites(c.req.raw);
    const { reader } = c.var;
    await viewablePost(c.var.reader, post);

    const query = new URLSearchParams();
    if (since !== undefined) query.set("since", String(since));
    if (reader.person) query.set("viewer", reader.person);
    if (reader.hasBlocks) query.set("blocks", "1");
    const answer = await c.env.POSTS.getByName(post).fetch(`https://post/?${query.toString()}`, {
      headers: { upgrade: "websocket" },
    });
    if (answer.status === 404) throw new ApiError("post_not_found");
    if (answer.status !== 101) throw new ApiError("too_many_subscribers");
    return answer as never;
  },
);
