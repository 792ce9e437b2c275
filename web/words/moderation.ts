import type { FilterAction } from "../../schema/comment-rules.ts";
import type { Action, Decision, ReportReason, SubjectKind } from "../../schema/moderation.ts";

export const REASONS: Record<ReportReason, string> = {
  spam: "Spam or a scam",
  harassment: "Harassment or bullying",
  hate: "Hate",
  violence: "Violence or threats",
  sexual: "Nudity or sexual content",
  self_harm: "Suicide or self-harm",
  illegal: "Something illegal",
  copyright: "Uses somebody’s work without permission",
  impersonation: "Pretends to be somebody else",
  other: "Something else",
};

/** What was reported, with its article. */
export const THE: Record<SubjectKind, string> = { post: "the post", comment: "the comment", person: "the account" };
const YOUR: Record<SubjectKind, string> = { post: "your post", comment: "your comment", person: "your account" };

/** What a decision did, as the person concerned reads it. */
const DONE: Record<Action, string> = {
  keep: "A moderator has kept",
  hide: "A moderator has hidden",
  take_down: "A moderator has taken down",
  warn: "A moderator warns you about",
  suspend: "You are suspended for",
  close: "Your account was closed for",
  restore: "A moderator has undone the decision about",
};

/** Returns the title of a decision for the person concerned. */
export const decisionTitle = (action: Action, kind: SubjectKind): string => `${DONE[action]} ${YOUR[kind]}`;

/** Returns what a moderator is about to do. `name`: of the person concerned. */
export function choiceTitle(choice: Decision | "restore", kind: SubjectKind, name: string): string {
  if (choice === "warn" || choice === "suspend") return `${DECISIONS[choice]} ${name}`;
  if (choice === "close") return `Close the account of ${name}`;
  if (choice === "uphold") return `Uphold the decision about ${name}`;
  if (choice === "restore") return `Undo the decision about ${name}`;
  return `${choice === "hide" ? "Hide" : DECISIONS[choice]} ${THE[kind]} of ${name}`;
}

/** What happens to a comment that a filter of the whole site matches. */
export const FILTERS: Record<FilterAction, string> = {
  hold: "Comments with it wait until a moderator shows them",
  hide: "Only their writers see comments with it",
};

/** The acts in the log, between the person who acted and the person concerned. */
export const ACTS: Record<string, string> = {
  keep: "kept what was reported about",
  hide: "hid a comment of",
  take_down: "took down a post of",
  warn: "warned",
  suspend: "suspended",
  close: "closed the account of",
  uphold: "upheld the decision about",
  restore: "undid the decision about",
  role: "changed the role of",
  filter: "changed a filtered word",
  remove_comments: "deleted all comments of",
  remove_picture: "removed the profile picture of",
};

/** The moderators' decisions, as buttons. */
export const DECISIONS: Record<Decision | "restore", string> = {
  keep: "Keep",
  hide: "Hide comment",
  take_down: "Take down",
  warn: "Warn",
  suspend: "Suspend",
  close: "Close account",
  uphold: "Uphold",
  restore: "Restore",
};
