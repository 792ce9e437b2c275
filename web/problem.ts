import type { Problem } from "../schema/api/common.ts";

/** Codes of our own, for what never reached the API or came back as something else. */
type LocalCode = "offline" | "unreachable" | "unreadable" | "cancelled" | "expired";

const LOCAL: Record<LocalCode, string> = {
  offline: "You are offline. Try again when you are connected.",
  unreachable: "Shutterline cannot be reached. Try again in a moment.",
  unreadable: "The answer could not be read. Try again in a moment.",
  cancelled: "Cancelled",
  expired: "It took too long to arrive. Send it again.",
};

/** Refusals of the API whose own words are for who wrote the program. */
const WORDS: Record<string, string> = {
  not_yours: "Only the person who wrote this can do that.",
  post_not_found: "This post is no longer there.",
  comment_not_found: "That comment is no longer there.",
  comments_off: "Comments on this post are turned off.",
  followers_only: "Only followers of the author can comment on this post.",
  too_many_comments: "This post has as many comments as a post can have.",
};

/** A refusal. `message` is for people, `code` for this program, `fields` for the inputs of a form. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly fields: Record<string, string>;

  constructor(code: string, message: string, errors: Problem["errors"] = []) {
    super(message);
    this.code = code;
    this.fields = Object.fromEntries(errors.map(({ path, message }) => [path, message]));
  }

  static local(code: LocalCode): ApiProblem {
    return new ApiProblem(code, LOCAL[code]);
  }
}

/** Whatever was thrown, as something that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem("bug", "Something went wrong on this page.");
}

/** A problem+json body as a refusal. A proxy in between may have answered with something else. */
export function asRefusal(body: unknown): ApiProblem {
  if (typeof body !== "object" || body === null || !("code" in body)) return ApiProblem.local("unreadable");
  const { code, detail, title, errors } = body as Problem;
  return new ApiProblem(code, WORDS[code] ?? sentence(detail ?? title), errors);
}

const sentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
