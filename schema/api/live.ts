/** What is said over the live socket. */
import { z } from "@hono/zod-openapi";
import { CommentPolicy } from "../messages/facts.ts";
import { CommentId, PostId } from "../ids.ts";
import { POSTS_WATCHED_MAX } from "../live/live-limits.ts";
import { Comment } from "./posts.ts";

export const LiveCommand = z
  .strictObject({
    watch: z
      .array(
        z.strictObject({
          post: PostId,
          since: z.number().int().nonnegative().optional().openapi({
            description: "The `seq` that the client knows; absent: as the post stands now",
          }),
        }),
      )
      .max(POSTS_WATCHED_MAX)
      .optional(),
    unwatch: z.array(PostId).max(POSTS_WATCHED_MAX).optional(),
  })
  .openapi("LiveCommand", {
    description: `What a client sends: \`unwatch\` counts first. At most ${POSTS_WATCHED_MAX} posts at a time.`,
  });
export type LiveCommand = z.infer<typeof LiveCommand>;

export const PostFrame = z
  .object({
    topic: z.literal("post"),
    post: PostId,
    from: z.number().int().openapi({ description: "The `seq` of the frame before, or the `since` that was asked for" }),
    seq: z.number().int().openapi({ description: "Ask for it as `since` to go on from here after a disconnection" }),
    likes: z.number().int(),
    comments: z.number().int(),
    commentPolicy: CommentPolicy,
    pinned: CommentId.nullable(),
    changed: z.array(Comment.omit({ likedByMe: true })).openapi({ description: "Comments that are new or changed" }),
    gone: z.array(CommentId).openapi({ description: "Comments that are not to be seen, with the replies to them" }),
    reread: z.boolean().openapi({ description: "Too much has changed to be told: read the comments again" }),
    deleted: z.boolean().openapi({ description: "There is no such post (any more): the last frame of this post" }),
  })
  .openapi("PostFrame", {
    description: "How a post stands at `seq`, and what has changed since `from`. At most 4 a second of each post.",
  });
export type PostFrame = z.infer<typeof PostFrame>;

export const MeFrame = z.object({ topic: z.literal("me") }).openapi("MeFrame", {
  description:
    "Something may have changed for who is signed in: read `/v1/notifications`. First when the socket is open.",
});

export const LiveFrame = z.discriminatedUnion("topic", [PostFrame, MeFrame]).openapi("LiveFrame");
export type LiveFrame = z.infer<typeof LiveFrame>;
