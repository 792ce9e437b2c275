/**
 * The messages that travel through queues. Each is a wake-up for something that is stored. It may arrive twice, late or
 * out of order, so it carries state together with its version, and never an increment.
 */
import { z } from "zod";
import { CommentId, EffectId, MediaId, PersonId, PostId } from "../ids.ts";
import { NotificationKind } from "../notifications.ts";

/** Whether a person liked the post at `seq`. */
export const LikeFact = z.object({ person: PersonId, liked: z.boolean(), seq: z.number().int() });
export type LikeFact = z.infer<typeof LikeFact>;

export const CommentFact = z.object({
  id: CommentId,
  author: PersonId,
  text: z.string(),
  /** The comment whose thread this reply is in; "" for a comment on the post itself. */
  parent: z.union([CommentId, z.literal("")]),
  /** The person that a reply answers. */
  replyTo: PersonId.nullable(),
  likes: z.number().int(),
  /** Replies that everyone sees. */
  replies: z.number().int(),
  /** Replies that only the post's author sees; nobody else sees this count. */
  hiddenReplies: z.number().int(),
  state: z.enum(["shown", "hidden", "gone"]),
  /** When the text was last changed, in ms since 1970. */
  editedAt: z.number().int().nullable(),
  seq: z.number().int(),
});
export type CommentFact = z.infer<typeof CommentFact>;

/** A comment as one viewer sees it, whether it was read from D1 or from the actor. */
export type SeenComment = Omit<CommentFact, "seq" | "state"> & { hidden: boolean; liked: boolean };

/** Whether a person liked a comment at `seq`. */
export const CommentLikeFact = LikeFact.extend({ comment: CommentId });
export type CommentLikeFact = z.infer<typeof CommentLikeFact>;

/** Who may comment on a post, besides its author. */
export const CommentPolicy = z.enum(["everyone", "followers", "off"]);
export type CommentPolicy = z.infer<typeof CommentPolicy>;

/** The standing of a post at `seq`: its counts, policy, pin and deletion. */
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

/** A picture or video in a post, with what a client needs to lay it out before loading. Sizes in pixels, upright. */
export const PostMedia = z.object({
  id: MediaId,
  width: z.number(),
  height: z.number(),
  alt: z.string(),
  thumbhash: z.string().optional(),
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

/** An event that may raise a notification. */
export const NoticeEvent = z.object({
  actor: PersonId,
  /** Grows with each newer event of the same notice, and never changes for the same event. Above 1. */
  raised: z.number().int(),
});
export type NoticeEvent = z.infer<typeof NoticeEvent>;

/** A notification to be written for `recipient`: its state at `version`, and the newest events that may raise it. */
export const Notice = z.object({
  recipient: PersonId,
  kind: NotificationKind,
  subject: z.union([PostId, CommentId, PersonId]),
  post: PostId.nullable(),
  /** Number of people, comments or requests. 0 hides the notification. */
  count: z.number().int(),
  /** The newest people, at most 3, newest first. */
  actors: z.array(PersonId),
  excerpt: z.string().nullable(),
  version: z.number().int(),
  events: z.array(NoticeEvent),
});
export type Notice = z.infer<typeof Notice>;

/** From a post's actor to the projector: its outbox, if any, with a `seq` from `from` to `to`, inclusive. */
export const PostFacts = z.object({
  post: PostId,
  author: PersonId,
  from: z.number().int(),
  to: z.number().int(),
  /** Everything up to this `seq` is already in D1. */
  confirmed: z.number().int(),
  /** Once D1 has everything up to `to`, it has every comment up to this one, in this or a newer state; "" for none. */
  commentsUpTo: z.union([CommentId, z.literal("")]),
  body: PostBody.extend({ seq: z.number().int() }).optional(),
  standing: PostStanding,
  likes: z.array(LikeFact),
  comments: z.array(CommentFact),
  commentLikes: z.array(CommentLikeFact),
  /** Notices for all changes with a `seq` from `from` to `to`, inclusive. Often absent, because they are folded. */
  notices: z.object({ from: z.number().int(), to: z.number().int(), list: z.array(Notice) }).optional(),
});
export type PostFacts = z.infer<typeof PostFacts>;

/** Fan-out divides the logical shards of an author's followers into this many equal ranges, served in parallel. */
export const PARTS = 8;
/** The set of all follower ranges: one bit for each. */
export const EVERY_PART = 2 ** PARTS - 1;

/** Neighbouring follower ranges from `first` to `end`, exclusive; `after` is the last follower served so far. */
export const Parts = z.object({
  first: z.number().int().min(0).max(PARTS),
  end: z.number().int().min(0).max(PARTS),
  after: PersonId.optional(),
  /** Whether to serve only followers with a bell: the others find the post when they read. */
  bells: z.boolean().optional(),
});
export type Parts = z.infer<typeof Parts>;

/** A message of the fan-out tree. With `parts` it serves one page of the followers in them; without, it is the root. */
export const FanOut = z.object({ post: PostId, author: PersonId, parts: Parts.optional() });
export type FanOut = z.infer<typeof FanOut>;

/** Inspects an uploaded file. `video`: this may take minutes, so it has a queue of its own. */
export const InspectEffect = z.object({
  kind: z.literal("inspect"),
  id: EffectId,
  media: MediaId,
  video: z.boolean().optional(),
});
export type InspectEffect = z.infer<typeof InspectEffect>;

/** An effect: what must follow from a committed row of D1. The same body is stored in `effects` until it is done. */
export const Effect = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("follow"), id: EffectId, follower: PersonId, followee: PersonId }),
  /** A follower has set or removed a bell. Posts count from the time at which the effect was made. */
  z.object({ kind: z.literal("bell"), id: EffectId, follower: PersonId, followee: PersonId }),
  /** The followee has accepted or declined a request, or removed the follower. */
  z.object({ kind: z.literal("answer"), id: EffectId, follower: PersonId, followee: PersonId }),
  /** A private person has become public; `after` is the last request accepted so far. */
  z.object({
    kind: z.literal("open"),
    id: EffectId,
    person: PersonId,
    after: z.object({ since: z.number().int(), follower: PersonId }).optional(),
  }),
  z.object({ kind: z.literal("block"), id: EffectId, person: PersonId, other: PersonId }),
  /** An author becomes large; `after` is the last follower marked so far. */
  z.object({ kind: z.literal("merge"), id: EffectId, author: PersonId, after: PersonId.optional() }),
  InspectEffect,
  z.object({ kind: z.literal("erase"), id: EffectId, post: PostId, author: PersonId, media: z.array(MediaId) }),
]);
export type Effect = z.infer<typeof Effect>;
