/** What an operation returns: its status, with the code of a problem or, for a GET, whether it shows the author. */
import { isBlock, isShutOut, sees, seesPerson, type State, type Viewer } from "./viewers.ts";

export type Outcome = (viewer: Viewer, state: State) => string;

/**
 * How an operation is called, and what it returns. Its parameters stand for what has that name in the world, or what
 * `with` says; so do `{names}` in the body.
 */
export type Row = readonly [operation: string, outcome: Outcome, call?: Call];
export type Call = {
  with?: Record<string, string>;
  query?: string;
  body?: unknown;
  raw?: string;
  headers?: Record<string, string>;
};

export const [WITH, WITHOUT] = ["200 with", "200 without"];
export const [SIGN_IN, NO_POST, NO_PERSON, NO_COMMENT, NOT_YOURS] = [
  "401 not_signed_in",
  "404 post_not_found",
  "404 person_not_found",
  "404 comment_not_found",
  "403 not_yours",
];

export const always =
  (outcome: string): Outcome =>
  () =>
    outcome;

/** The same for every signed-in viewer. */
export const signedIn =
  (outcome: string | Outcome): Outcome =>
  (viewer, state) => {
    if (viewer === "anonymous") return SIGN_IN;
    return typeof outcome === "string" ? outcome : outcome(viewer, state);
  };

/** For operations on the viewer's own account, where the author is the one that `author` tells apart. */
export const own = (others: string, author = others): Outcome =>
  signedIn((viewer) => (viewer === "author" ? author : others));

/** Whether the viewer sees the post and may act on it. A post that was taken down stays as it is. */
export const reaches = (viewer: Viewer, state: State): boolean => sees(viewer, state) && state !== "taken down";

export const readsPost =
  (others: string, author = others): Outcome =>
  (viewer, state) => {
    if (!sees(viewer, state)) return NO_POST;
    return viewer === "author" ? author : others;
  };

export const writesToPost = (others: string, author = others): Outcome =>
  signedIn((viewer, state) => (reaches(viewer, state) ? readsPost(others, author)(viewer, state) : NO_POST));

export const byAuthor = (author: string): Outcome => writesToPost(NOT_YOURS, author);

/** For reads of the author's profile and what belongs to it. */
export const ofPerson =
  (outcome: Outcome): Outcome =>
  (viewer, state) =>
    seesPerson(viewer, state) ? outcome(viewer, state) : NO_PERSON;

/** For what people decide about the author for themselves, which they may also do once the account is closed. */
export const aboutPerson =
  (outcome: Outcome): Outcome =>
  (viewer, state) =>
    isShutOut(viewer) ? NO_PERSON : outcome(viewer, state);

/** For lists and threads of others in which the author appears. */
export const listed: Outcome = (viewer) => (isBlock(viewer) ? WITHOUT : WITH);

/** For what the author has written on somebody else's post. */
export const onComment =
  (outcome: string): Outcome =>
  (viewer) =>
    isBlock(viewer) ? NO_COMMENT : outcome;
