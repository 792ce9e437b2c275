/**
 * Everything that is checked on a recorded history, and what is not.
 *
 * Checked: `likes`, the like of each person as a linearizable register (I1, I4); `counts`, likes and `seq` of each post as
 * one linearizable object (I2, I3); `states`, that every read, however old, shows a state there was; `own writes`, that a
 * read with a Consistency-Token is not older than the write it names (I7); `comments`, one order, of which every reader
 * sees a prefix (I5).
 *
 * Not checked: how old a plain read is, because it comes from D1, which follows the actors; that the reads of one client
 * never go back (I8), because a token stands for writes alone; that `likedByMe` is of the same moment as the counts beside
 * it, unless the actor answered; feeds and notifications, which tests/product looks at.
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

export const verdictsOf = (history: History): Verdicts =>
  Object.fromEntries(MODEL_NAMES.map((model) => [model, MODELS[model](history)])) as Verdicts;

/** The models that found something. */
export const violated = (verdicts: Verdicts): ModelName[] => MODEL_NAMES.filter((model) => verdicts[model].length > 0);
