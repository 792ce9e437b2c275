/** The messages about what must follow from a committed row. */
import { z } from "zod";
import { SubjectId } from "../moderation.ts";
import { CommentId, EffectId, MediaId, PersonId, PostId } from "../ids.ts";

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
  /** Moderators have decided about a post, comment or person, or the person concerned has answered. */
  z.object({ kind: z.literal("moderation"), id: EffectId, subject: SubjectId }),
  /** All comments of a person are removed: those under the posts of `by`, or all. `after` is the last one so far. */
  z.object({
    kind: z.literal("remove_comments"),
    id: EffectId,
    person: PersonId,
    by: PersonId.optional(),
    database: z.number().int(),
    after: z.object({ post: PostId, parent: z.union([CommentId, z.literal("")]), id: CommentId }).optional(),
  }),
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
  /** Erases a closed account, in steps that find by themselves what is left. */
  z.object({ kind: z.literal("close"), id: EffectId, person: PersonId }),
  /** So much has left a reader's feed that it may lack posts. */
  z.object({ kind: z.literal("refill"), id: EffectId, reader: PersonId }),
  /**
   * Posts were deleted that may be in feeds; `after` is the last follower served so far. The stored effect also has
   * `from`: the author's older posts may be missing from feeds (workers/feeds/withdraw.ts).
   */
  z.object({
    kind: z.literal("withdraw"),
    id: EffectId,
    author: PersonId,
    posts: z.array(PostId),
    after: PersonId.optional(),
    from: z.union([PostId, z.literal("")]).optional(),
  }),
  z.object({ kind: z.literal("erase"), id: EffectId, post: PostId, author: PersonId, media: z.array(MediaId) }),
]);
export type Effect = z.infer<typeof Effect>;
