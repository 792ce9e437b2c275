import { z } from "@hono/zod-openapi";
import { CommentId, MediaId, PostId } from "../ids.ts";
import { Action, Decision, ReportReason, Role, SubjectId, SubjectKind } from "../moderation.ts";
import { FILTER_ACTIONS, WORD_MAX, WORDS_MAX } from "../comment-rules.ts";
import { text } from "../text.ts";
import { page, Timestamp } from "./common.ts";
import { ShownMedia } from "./media.ts";
import { Handle, PersonCard } from "./people.ts";

const WORDS = { graphemes: 1000, bytes: 8192 };
const Words = text({ ...WORDS, atLeast: 1 });

export const NewReport = z
  .object({
    post: PostId.optional().openapi({ description: "The post, or with `comment` the post that it belongs to" }),
    comment: CommentId.optional(),
    person: Handle.optional(),
    reason: ReportReason,
    words: text(WORDS).default(""),
  })
  .refine(({ post, comment, person }) => (person === undefined) === (post !== undefined) && (post || !comment), {
    error: "Name a post, a post and its comment, or a person",
  })
  .openapi("NewReport");

export const Reported = z.object({ reported: z.literal(true) }).openapi("Reported");

/** What was reported, in the words of its author. */
export const Content = z
  .object({
    text: z.string().optional().openapi({ description: "The caption or the comment" }),
    media: z.array(ShownMedia).optional(),
    handle: Handle.optional(),
    name: z.string().optional(),
    bio: z.string().optional(),
    picture: z.union([MediaId, z.null()]).optional().openapi({ description: "The profile picture" }),
  })
  .openapi("ReportedContent");
export type Content = z.infer<typeof Content>;

const Answered = { appeal: z.object({ text: z.string(), at: Timestamp }).optional(), answer: z.string().optional() };

export const Case = z
  .object({
    subject: SubjectId,
    kind: SubjectKind,
    person: PersonCard.openapi({ description: "The person concerned: the author of the content" }),
    post: PostId.optional(),
    reports: z.number().int().openapi({ description: "How many people have reported it" }),
    reasons: z.record(z.string(), z.number().int()).openapi({ description: "How often each reason was given" }),
    words: z.array(z.object({ reason: ReportReason, words: z.string(), at: Timestamp })).openapi({
      description: "What the newest ten reports say",
    }),
    content: Content.openapi({ description: "As it was when it was reported" }),
    current: Content.nullable().openapi({ description: "As it is now; null if it is gone" }),
    edited: z.boolean().openapi({ description: "Whether `current` differs from `content`" }),
    openedAt: Timestamp,
    open: z.boolean().openapi({ description: "Whether it waits for a decision" }),
    version: z.number().int().openapi({ description: "Send it with a decision, which fails if it has grown" }),
    inForce: z.boolean().openapi({ description: "Whether it hides, takes down, suspends or closes something" }),
    action: Action.optional(),
    reason: z.string().optional(),
    until: Timestamp.optional(),
    decidedBy: PersonCard.optional(),
    decidedAt: Timestamp.optional(),
    ...Answered,
  })
  .openapi("ModerationCase");
export type Case = z.infer<typeof Case>;
export const CasePage = page(Case).openapi("ModerationCasePage");
export type CasePage = z.infer<typeof CasePage>;

const Version = z.number().int().nonnegative().openapi({ description: "The `version` of the case that was seen" });
const Reason = Words.openapi({ description: "The person concerned reads it" });

export const NewDecision = z
  .object({
    version: Version,
    decision: Decision.openapi({
      description:
        "`hide` is for comments, `take_down` for posts, `suspend` needs `until`, and `uphold` answers an appeal",
    }),
    until: Timestamp.optional(),
    reason: Reason,
  })
  .openapi("NewDecision");
export const Restoration = z.object({ version: Version, reason: Reason }).openapi("Restoration");

export const OwnDecision = z
  .object({
    subject: SubjectId,
    kind: SubjectKind,
    post: PostId.optional(),
    excerpt: z.string(),
    action: Action,
    reason: z.string(),
    at: Timestamp,
    inForce: z.boolean(),
    until: Timestamp.optional().openapi({ description: "When the suspension ends" }),
    mayAnswer: z.boolean().openapi({ description: "A decision can be answered once" }),
    ...Answered,
  })
  .openapi("OwnDecision");
export type OwnDecision = z.infer<typeof OwnDecision>;
export const OwnDecisionPage = page(OwnDecision).openapi("OwnDecisionPage");
export const Answer = z.object({ text: Words }).openapi("DecisionAnswer");

export const LogEntry = z
  .object({
    id: z.string(),
    at: Timestamp,
    actor: PersonCard.nullable().openapi({ description: "Null for the operator's token" }),
    act: z.string(),
    subject: SubjectId,
    person: PersonCard.nullable(),
    reason: z.string(),
    details: z.record(z.string(), z.unknown()),
  })
  .openapi("ModerationLogEntry");
export type LogEntry = z.infer<typeof LogEntry>;
export const LogPage = page(LogEntry).openapi("ModerationLogPage");
export type LogPage = z.infer<typeof LogPage>;

const Word = text({ graphemes: WORD_MAX, bytes: 200, atLeast: 1 });

export const CommentRules = z
  .object({ restricted: z.array(PersonCard), words: z.array(z.string()) })
  .openapi("CommentRules");
export type CommentRules = z.infer<typeof CommentRules>;
export const FilterWords = z.object({ words: z.array(Word).max(WORDS_MAX) }).openapi("FilterWords");
export const Restricted = z.object({ restrictedByMe: z.boolean() }).openapi("Restricted");
export const Removing = z.object({ removing: z.literal(true) }).openapi("Removing");

export const SiteFilter = z.object({ word: Word, action: z.enum(FILTER_ACTIONS) }).openapi("SiteFilter", {
  description: "`hold`: comments with the word wait for a moderator. `hide`: only their writers see them",
});
export type SiteFilter = z.infer<typeof SiteFilter>;
export const SiteFilters = z.object({ items: z.array(SiteFilter) }).openapi("SiteFilters");
export type SiteFilters = z.infer<typeof SiteFilters>;
export const FilteredWord = SiteFilter.pick({ word: true });
export const Removal = z.object({ reason: Words }).openapi("RemovalOfComments");

export const RemovalOfPicture = z
  .object({ picture: MediaId.openapi({ description: "The one that was seen" }), reason: Words })
  .openapi("RemovalOfPicture");

export const SetRole = z.object({ handle: Handle, role: Role }).openapi("SetRole");
export const HasRole = z.object({ person: PersonCard, role: Role }).openapi("HasRole");
