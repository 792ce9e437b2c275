/** What a subscriber of a post is sent over its WebSocket. */
import { z } from "@hono/zod-openapi";
import { CommentPolicy } from "../facts.ts";
import { CommentId } from "../ids.ts";
import { Comment } from "./posts.ts";

export const LiveFrame = z
  .object({
    from: z.number().int().openapi({ description: "The `seq` of the frame before, or the `since` that was asked for" }),
    seq: z.number().int().openapi({ description: "Ask for it as `since` to go on from here after a disconnection" }),
    likes: z.number().int(),
    comments: z.number().int(),
    commentPolicy: CommentPolicy,
    pinned: CommentId.nullable(),
    changed: z.array(Comment.omit({ likedByMe: true })).openapi({ description: "Comments that are new or changed" }),
    gone: z.array(CommentId).openapi({ description: "Comments that are not to be seen, with the replies to them" }),
    reread: z.boolean().openapi({ description: "Too much has changed to be told: read the comments again" }),
    deleted: z.boolean().openapi({ description: "The post is gone, and this is the last frame; the socket is closed" }),
  })
  .openapi("LiveFrame", {
    description: "How things stand at `seq`, and what has changed since `from`. At most 4 a second.",
  });
export type LiveFrame = z.infer<typeof LiveFrame>;

/** WebSocket close codes of ours (4000 to 4999 are free for applications). */
export const POST_GONE = 4404;
