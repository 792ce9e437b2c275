/** The messages that bring a post into the feeds of its author's followers. */
import { z } from "zod";
import { PersonId, PostId } from "../ids.ts";

/** Fan-out divides the logical shards of an author's followers into this many equal ranges, served in parallel. */
export const FOLLOWER_PARTS = 8;
/** The set of all follower ranges: one bit for each. */
export const ALL_FOLLOWER_PARTS = 2 ** FOLLOWER_PARTS - 1;

/** Neighbouring follower ranges from `first` to `end`, exclusive; `after` is the last follower served so far. */
export const FollowerRange = z.object({
  first: z.number().int().min(0).max(FOLLOWER_PARTS),
  end: z.number().int().min(0).max(FOLLOWER_PARTS),
  after: PersonId.optional(),
  /** Whether to serve only followers with a bell: the others find the post when they read. */
  bells: z.boolean().optional(),
});
export type FollowerRange = z.infer<typeof FollowerRange>;

/** A message of the fan-out tree. With `parts` it serves one page of the followers in them; without, it is the root. */
export const FanOut = z.object({ post: PostId, author: PersonId, parts: FollowerRange.optional() });
export type FanOut = z.infer<typeof FanOut>;
