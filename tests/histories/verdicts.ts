/**
 * What is checked on a recorded history, and what is not. The numbers I1 to I8 name the invariants.
 *
 * Checked: `likes`, that each person's like is a linearizable register (I1, I4); `counts`, that the likes, comments and
 * `seq` of each post are one linearizable object (I2, I3); `states`, that every read, however old, shows a state that
 * existed; `own writes`, that a read with a Consistency-Token is not older than the write it names (I7); `comments`,
 * that there is one order, of which every read shows a prefix (I5).
 *
 * Not checked: how old a plain read is, because it comes from D1, which follows the actors; that the reads of one
 * client never go back (I8), because a token covers only writes; that `likedByMe` is from the same moment as the counts
 * beside it, unless the actor served the read; feeds and notifications, which tests/product covers.
 */
import { wrongComments } from "./models/comment-order.ts";
import { wrongLikes } from "./models/like-register.ts";
import { staleOwnReads } from "./models/own-writes.ts";
import { wrongCounts } from "./models/post-counts.ts";
import { wrongStates } from "./models/post-states.ts";
import type { Finding, History } from "./recording/history.ts";

const MODELS = {
  likes: wrongLikes,
  counts: wrongCounts,
  states: wrongStates,
  "own writes": staleOwnReads,
  comments: wrongComments,
} satisfies Record<string, (history: History) => Finding[]>;

export type ModelName = keyof typeof MODELS;
export type Verdicts = Record<ModelName, Finding[]>;

export const MODEL_NAMES = Object.keys(MODELS) as ModelName[];

/** Runs all models on a history. Each verdict is a list of violations, which is empty if the model holds. */
export const verdictsOf = (history: History): Verdicts =>
  Object.fromEntries(MODEL_NAMES.map((model) => [model, MODELS[model](history)])) as Verdicts;

/** Returns the models that found a violation. */
export const violated = (verdicts: Verdicts): ModelName[] => MODEL_NAMES.filter((model) => verdicts[model].length > 0);
