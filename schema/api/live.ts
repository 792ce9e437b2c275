/** The messages of the live socket, in both directions. */
import { z } from "@hono/zod-openapi";
import { CommentPolicy } from "../posts.ts";
import { CommentId, PostId } from "../ids.ts";
import { POSTS_WATCHED_MAX } from "../live/live-limits.ts";
import { Timestamp } from "./common.ts";
import { Comment } from "./posts.ts";

export const LiveTicket = z.object({ ticket: z.string(), expiresAt: Timestamp }).openapi("LiveTicket");

export const LiveCommand = z
  .strictObject({
    watch: z
      .array(
        z.strictObject({
          post: PostId,
          since: z.number().int().nonnegative().optional().openapi({
            description:
              "The last `seq` the client has seen. If omitted, frames start from the post's current standing",
          }),
        }),
      )
      .max(POSTS_WATCHED_MAX)
      .optional(),
    unwatch: z.array(PostId).max(POSTS_WATCHED_MAX).optional(),
  })
  .openapi("LiveCommand", {
    description: `A client's message. \`unwatch\` applies first. At most ${POSTS_WATCHED_MAX} posts at a time.`,
  });
export type LiveCommand = z.infer<typeof LiveCommand>;

export const PostFrame = z
  .object({
    topic: z.literal("post"),
    post: PostId,
    from: z.number().int().openapi({ description: "`seq` of the previous frame, or the requested `since`" }),
    seq: z.number().int().openapi({ description: "Send this as `since` to resume from here after a reconnect" }),
    likes: z.number().int(),
    comments: z.number().int(),
    commentPolicy: CommentPolicy,
    pinned: CommentId.nullable(),
    changed: z.array(Comment.omit({ likedByMe: true })).openapi({ description: "New or changed comments" }),
    gone: z.array(CommentId).openapi({ description: "Comments to remove, along with their replies" }),
    reread: z.boolean().openapi({ description: "Too much has changed for one frame: fetch the comments again" }),
    deleted: z.boolean().openapi({ description: "The post does not exist (any more). No more frames of it follow" }),
  })
  .openapi("PostFrame", {
    description:
      "The post's standing at `seq` and what has changed since `from`. At most 4 frames per second and post.",
  });
export type PostFrame = z.infer<typeof PostFrame>;

export const MeFrame = z.object({ topic: z.literal("me") }).openapi("MeFrame", {
  description:
    "The signed-in viewer may have new notifications: read `/v1/notifications`. Sent once when the socket opens.",
});

export const LiveFrame = z.discriminatedUnion("topic", [PostFrame, MeFrame]).openapi("LiveFrame");
export type LiveFrame = z.infer<typeof LiveFrame>;
