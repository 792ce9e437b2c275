import type { Problem } from "../../schema/api/common.ts";

/** The client's own codes, for requests that never reached the API and responses that are not the API's. */
type LocalCode = "offline" | "unreachable" | "unreadable" | "cancelled" | "expired";

const LOCAL: Record<LocalCode, string> = {
  offline: "You’re offline. Try again when you’re connected.",
  unreachable: "Can’t reach Shutterline. Try again in a moment.",
  unreadable: "Shutterline’s response could not be read. Try again in a moment.",
  cancelled: "Cancelled",
  expired: "The upload took too long. Send it again.",
};

/** Replaces the `detail` of problems that the API words for developers. */
const WORDS: Record<string, string> = {
  not_yours: "Only the person who wrote this can do that.",
  post_not_found: "This post no longer exists.",
  comment_not_found: "This comment no longer exists.",
  comments_off: "Comments are turned off for this post.",
  followers_only: "Only the author’s followers can comment on this post.",
  too_many_comments: "This post has reached the maximum number of comments.",
};

/** A failed request. `message` is for people, `code` for this program, and `fields` for a form's inputs, by name. */
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

/** Turns anything thrown into a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem
    ? error
    : new ApiProblem("bug", "Something went wrong on this page. Reload it and try again.");
}

/** Reads a problem+json body. Anything else, as from a proxy in between, becomes `unreadable`. */
export function problemIn(body: unknown): ApiProblem {
  if (typeof body !== "object" || body === null || !("code" in body)) return ApiProblem.local("unreadable");
  const { code, detail, title, errors } = body as Problem;
  return new ApiProblem(code, WORDS[code] ?? sentence(detail ?? title), errors);
}

const sentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
