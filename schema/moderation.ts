/** The terms of moderation, as the API, the tables and the messages have them. */
import { z } from "@hono/zod-openapi";
import { CommentId, PersonId, PostId } from "./ids.ts";

/** What a person may do beyond others. An operator may do all that a moderator may. */
export const Role = z.enum(["none", "moderator", "operator"]);
export type Role = z.infer<typeof Role>;

/** Whether a role may moderate. */
export const isModerator = (role: Role | undefined): boolean => role === "moderator" || role === "operator";

export const ReportReason = z.enum([
  "spam",
  "harassment",
  "hate",
  "violence",
  "sexual",
  "self_harm",
  "illegal",
  "copyright",
  "impersonation",
  "other",
]);
export type ReportReason = z.infer<typeof ReportReason>;

export const SubjectKind = z.enum(["post", "comment", "person"]);
export type SubjectKind = z.infer<typeof SubjectKind>;

export const SubjectId = z.union([PostId, CommentId, PersonId]).openapi({
  type: "string",
  example: "01m3qk7vt4xe9",
  description: "The id of the post, comment or person",
});
export type SubjectId = PostId | CommentId | PersonId;

/** What a moderator may decide. `uphold` answers an appeal. */
export const Decision = z.enum(["keep", "hide", "take_down", "warn", "suspend", "close", "uphold"]);
export type Decision = z.infer<typeof Decision>;

/** What was decided last about a case. */
export const Action = z.enum(["keep", "hide", "take_down", "warn", "suspend", "close", "restore"]);
export type Action = z.infer<typeof Action>;

/** What a decision does to the person, beyond what it does to the content. */
export type Sanction = "none" | "suspend" | "close";

/** `suspended_until` of a person whose suspension has no end. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

/** How long a report and a settled case are kept, in ms. */
export const REPORTS_KEPT = 180 * 86_400_000;
export const CASES_KEPT = 365 * 86_400_000;
/** How long the log is kept, in ms. A trigger refuses to delete its rows earlier. */
export const LOG_KEPT = 366 * 86_400_000;
/** The most reports that are stored about one subject. Later ones are only counted. */
export const REPORTS_MAX = 1000;
