import { z } from "@hono/zod-openapi";
import { CommentPolicy } from "../posts.ts";
import { CommentId, MediaId, PostId } from "../ids.ts";
import { ALT, CAPTION, COMMENT, text } from "../text.ts";
import { page, PageQuery, Timestamp } from "./common.ts";
import { ShownMedia } from "./media.ts";
import { PersonCard } from "./people.ts";

/** The most pictures and videos in one post. */
export const ALBUM_MAX = 10;

export const NewPost = z
  .object({
    caption: text(CAPTION).default(""),
    media: z
      .array(z.object({ id: MediaId, alt: text(ALT).optional() }))
      .min(1)
      .max(ALBUM_MAX)
      .openapi({
        description:
          "Files of yours that are `ready`, in the order in which they are shown. A file may be in several posts: it counts " +
          "to the quota once, and is deleted with the last of them. Your profile picture may not be in a post",
      }),
  })
  .openapi("NewPost");
export type NewPost = z.infer<typeof NewPost>;

export const Post = z
  .object({
    id: PostId,
    author: PersonCard,
    caption: z.string(),
    media: z.array(ShownMedia),
    likes: z.number().int(),
    comments: z.number().int(),
    likedByMe: z.boolean(),
    seq: z
      .number()
      .int()
      .openapi({ description: "Increases with every change to the post, its likes and its comments" }),
    commentPolicy: CommentPolicy.openapi({ description: "Who may comment besides the author" }),
    createdAt: Timestamp,
    editedAt: Timestamp.optional().openapi({
      description: "When the caption was last changed; absent if it never was",
    }),
    takenDown: z.literal(true).optional().openapi({
      description: "A moderator has taken it down: only its author and moderators see it. See `/v1/me/decisions`",
    }),
  })
  .openapi("Post");
export type Post = z.infer<typeof Post>;
export const PostPage = page(Post).openapi("PostPage");
export type PostPage = z.infer<typeof PostPage>;

export const EditPost = z
  .object({ caption: text(CAPTION).optional(), commentPolicy: CommentPolicy.optional() })
  .openapi("EditPost");

export const Captions = z
  .object({ items: z.array(z.object({ caption: z.string(), at: Timestamp })) })
  .openapi("Captions", {
    description: "The current and earlier captions, newest first, each with the time it took effect",
  });

export const Liked = z.object({ liked: z.boolean(), likes: z.number().int(), seq: z.number().int() }).openapi("Liked");
export type Liked = z.infer<typeof Liked>;

export const NewComment = z
  .object({
    text: text(COMMENT),
    replyTo: CommentId.optional().openapi({ description: "The comment to reply to" }),
  })
  .openapi("NewComment");
export const EditComment = z.object({ text: text(COMMENT) }).openapi("EditComment");

export const Comment = z
  .object({
    id: CommentId,
    author: PersonCard,
    text: z.string(),
    parent: CommentId.optional().openapi({ description: "For a reply: the comment whose thread it is in" }),
    replyTo: PersonCard.optional().openapi({ description: "For a reply: the person it replies to" }),
    likes: z.number().int(),
    likedByMe: z.boolean(),
    replies: z.number().int(),
    hiddenReplies: z.number().int().openapi({ description: "Always 0 unless the viewer is the author of the post" }),
    pinned: z.boolean(),
    hidden: z.boolean().openapi({
      description:
        "Visible only to the author of the post and, as if it were shown, to its writer. Always false for its writer",
    }),
    blocked: z.literal(true).optional().openapi({
      description: "A block lies between its writer and the viewer, who sees it because they can moderate it",
    }),
    createdAt: Timestamp,
    editedAt: Timestamp.optional(),
  })
  .openapi("Comment");
export type Comment = z.infer<typeof Comment>;
export const CommentPage = page(Comment)
  .extend({
    seq: z
      .number()
      .int()
      .openapi({ description: "Pass it as `since` over the live socket to continue from this page" }),
  })
  .openapi("CommentPage");
export type CommentPage = z.infer<typeof CommentPage>;

export const CommentsQuery = PageQuery.extend({ order: z.enum(["oldest", "newest", "most_liked"]).default("oldest") });
