/**
 * The messages that travel through queues. Each is a wake-up for something that is stored: it may come twice, late, or
 * out of order, so each carries state with the version it was read at, never an increment.
 */
import { z } from "zod";
import { CommentId, EffectId, MediaId, PersonId, PostId } from "../ids.ts";
import { NotificationKind } from "../notifications.ts";

/** A person's like as it stood at `seq`. */
export const LikeFact = z.object({ person: PersonId, liked: z.boolean(), seq: z.number().int() });
export type LikeFact = z.infer<typeof LikeFact>;

export const CommentFact = z.object({
  id: CommentId,
  author: PersonId,
  text: z.string(),
  /** The comment it replies to; "" for one on the post itself. */
  parent: z.union([CommentId, z.literal("")]),
  /** Whom a reply answers. */
  replyTo: PersonId.nullable(),
  likes: z.number().int(),
  /** Those that everybody sees. */
  replies: z.number().int(),
  /** Those that only the post's author sees, and knows of. */
  hiddenReplies: z.number().int(),
  state: z.enum(["shown", "hidden", "gone"]),
  /** When the text was last changed, in ms since 1970. */
  editedAt: z.number().int().nullable(),
  seq: z.number().int(),
});
export type CommentFact = z.infer<typeof CommentFact>;

/** A comment as one viewer sees it, wherever it was read. */
export type SeenComment = Omit<CommentFact, "seq" | "state"> & { hidden: boolean; liked: boolean };

/** A person's like of a comment as it stood at `seq`. */
export const CommentLikeFact = LikeFact.extend({ comment: CommentId });
export type CommentLikeFact = z.infer<typeof CommentLikeFact>;

/** Who may comment on a post, beside its author. */
export const CommentPolicy = z.enum(["everyone", "followers", "off"]);
export type CommentPolicy = z.infer<typeof CommentPolicy>;

/** Where a post stands at `seq`. */
export const PostStanding = z.object({
  likes: z.number().int(),
  comments: z.number().int(),
  seq: z.number().int(),
  /** The `seq` of the last change to the body. */
  bodySeq: z.number().int(),
  policy: CommentPolicy,
  pinned: CommentId.nullable(),
  deleted: z.boolean(),
});
export type PostStanding = z.infer<typeof PostStanding>;

/** A picture or video of a post, with all that a client needs to lay it out before it has loaded. In pixels, upright. */
export const PostMedia = z.object({
  id: MediaId,
  width: z.number(),
  height: z.number(),
  alt: z.string(),
  thumbhash: z.string().optional(),
  /** Of a video. `poster`: there are renditions, of a picture that stands for it. */
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

/** Something that happened, of which somebody may want to be told. */
export const NoticeEvent = z.object({
  actor: PersonId,
  /** Greater with each newer one of the same notice, and the same however often it is told. Above 1. */
  raised: z.number().int(),
});
export type NoticeEvent = z.infer<typeof NoticeEvent>;

/** What somebody is to be told: how it stands at `version`, and what has happened that may make them look. */
export const Notice = z.object({
  recipient: PersonId,
  kind: NotificationKind,
  subject: z.union([PostId, CommentId, PersonId]),
  post: PostId.nullable(),
  /** How many did it. 0 takes the notification back. */
  count: z.number().int(),
  /** The newest people, at most 3, newest first. */
  actors: z.array(PersonId),
  excerpt: z.string().nullable(),
  version: z.number().int(),
  events: z.array(NoticeEvent),
});
export type Notice = z.infer<typeof Notice>;

/** From a post's actor to the projector: everything of its outbox with a seq from `from` to `to`, both included, if any. */
export const PostFacts = z.object({
  post: PostId,
  author: PersonId,
  from: z.number().int(),
  to: z.number().int(),
  /** Everything up to this seq is in D1 already. */
  confirmed: z.number().int(),
  /** Once D1 has everything up to `to`, it has every comment up to this one, in this state or a newer one; "" for none. */
  commentsUpTo: z.union([CommentId, z.literal("")]),
  body: PostBody.extend({ seq: z.number().int() }).optional(),
  standing: PostStanding,
  likes: z.array(LikeFact),
  comments: z.array(CommentFact),
  commentLikes: z.array(CommentLikeFact),
  /** Whom to tell of everything with a seq from `from` to `to`, both included. Not in every message: they are folded. */
  notices: z.object({ from: z.number().int(), to: z.number().int(), list: z.array(Notice) }).optional(),
});
export type PostFacts = z.infer<typeof PostFacts>;

/** The logical shards of an author's followers fall into this many equal parts, which are served side by side. */
export const PARTS = 8;
/** A set of parts has one bit for each. */
export const EVERY_PART = 2 ** PARTS - 1;

/** Neighbouring parts, without the last; `after` is the last follower of them that was served. */
export const Parts = z.object({
  first: z.number().int().min(0).max(PARTS),
  end: z.number().int().min(0).max(PARTS),
  after: PersonId.optional(),
  /** Only those who want to be told of each new post: the others find it when they read. */
  bells: z.boolean().optional(),
});
export type Parts = z.infer<typeof Parts>;

/** A post's way to its readers: one page of the followers in `parts`; without them, the root of the tree. */
export const FanOut = z.object({ post: PostId, author: PersonId, parts: Parts.optional() });
export type FanOut = z.infer<typeof FanOut>;

/** A file is to be looked at. `video`: that may take minutes, and waits in a queue of its own. */
export const InspectEffect = z.object({
  kind: z.literal("inspect"),
  id: EffectId,
  media: MediaId,
  video: z.boolean().optional(),
});
export type InspectEffect = z.infer<typeof InspectEffect>;

/** What follows from a committed row of D1; the same body is stored in `effects` until it is done. */
export const Effect = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("follow"), id: EffectId, follower: PersonId, followee: PersonId }),
  /** A follower wants to be told of each new post, or no longer, from when the effect was made on. */
  z.object({ kind: z.literal("bell"), id: EffectId, follower: PersonId, followee: PersonId }),
  /** The followee has accepted or declined, or has ended the follow. */
  z.object({ kind: z.literal("answer"), id: EffectId, follower: PersonId, followee: PersonId }),
  /** A private person has become a public one; `after` is the last whose request was accepted. */
  z.object({
    kind: z.literal("open"),
    id: EffectId,
    person: PersonId,
    after: z.object({ since: z.number().int(), follower: PersonId }).optional(),
  }),
  z.object({ kind: z.literal("block"), id: EffectId, person: PersonId, other: PersonId }),
  /** An author becomes a large one; `after` is the last follower that was marked. */
  z.object({ kind: z.literal("merge"), id: EffectId, author: PersonId, after: PersonId.optional() }),
  InspectEffect,
  z.object({ kind: z.literal("erase"), id: EffectId, post: PostId, author: PersonId, media: z.array(MediaId) }),
]);
export type Effect = z.infer<typeof Effect>;
