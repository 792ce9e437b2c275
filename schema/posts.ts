/** What a post is made of, as its actor, the messages and the tables have it. */
import { z } from "zod";
import { CommentId, MediaId } from "./ids.ts";

/** The people who may comment on a post, besides its author. */
export const CommentPolicy = z.enum(["everyone", "followers", "off"]);
export type CommentPolicy = z.infer<typeof CommentPolicy>;

/** The standing of a post at `seq`: its counts, policy, pin, deletion and take-down. */
export const PostStanding = z.object({
  likes: z.number().int(),
  comments: z.number().int(),
  seq: z.number().int(),
  /** The `seq` of the last change to the body. */
  bodySeq: z.number().int(),
  policy: CommentPolicy,
  pinned: CommentId.nullable(),
  deleted: z.boolean(),
  /** Whether a moderator has taken it down. Absent in messages of an older version. */
  takenDown: z.boolean().default(false),
});
export type PostStanding = z.infer<typeof PostStanding>;

/** What a moving picture is served as, and how many frames it has. */
export const Moving = z.object({ contentType: z.string(), frames: z.number().int() });
export type Moving = z.infer<typeof Moving>;

/** A picture or video in a post, with what a client needs to lay it out before loading. Sizes in pixels, upright. */
export const PostMedia = z.object({
  id: MediaId,
  width: z.number(),
  height: z.number(),
  alt: z.string(),
  thumbhash: z.string().optional(),
  /** Present only for a picture that is shown moving. */
  moving: Moving.optional(),
  pixelArt: z.literal(true).optional(),
  /** Present only for a video. `poster`: whether it has a poster, and so renditions. */
  video: z
    .object({ durationMs: z.number(), hasAudio: z.boolean(), contentType: z.string(), poster: z.boolean() })
    .optional(),
});
export type PostMedia = z.infer<typeof PostMedia>;

export const PostBody = z.object({
  caption: z.string(),
  media: z.array(PostMedia),
  /** When the caption was last changed, in ms since 1970. */
  editedAt: z.number().int().nullable(),
});
export type PostBody = z.infer<typeof PostBody>;
