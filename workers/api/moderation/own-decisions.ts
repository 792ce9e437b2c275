/** What moderators have decided about the viewer, and the one answer to it. */
import { createRoute, z } from "@hono/zod-openapi";
import { PageQuery } from "../../../schema/api/common.ts";
import { Answer, OwnDecision, OwnDecisionPage } from "../../../schema/api/moderation.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { AFTER_EVERY_ID } from "../../../schema/ids.ts";
import { SubjectId } from "../../../schema/moderation.ts";
import { idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { body, claimedViewer, json, refusals, requireViewer, routes } from "../../http/routes.ts";
import { changeCase } from "../../moderation/cases.ts";
import { isInForce, mayAnswer } from "../../moderation/case-states.ts";
import { decisionAbout, type DecisionRow, decisionsAbout } from "../../moderation/own-decisions.ts";

export const ownDecisions = routes();

ownDecisions.openapi(
  createRoute({
    method: "get",
    path: "/me/decisions",
    summary: "List what moderators have decided about the viewer",
    description: "Newest content first. Decisions that are no longer in force are kept for a year.",
    request: { query: PageQuery },
    responses: { 200: json(OwnDecisionPage), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    const { cursor, limit } = c.req.valid("query");
    const found = await decisionsAbout(c.var.reader, person, idOfCursor(cursor) ?? AFTER_EVERY_ID, limit + 1);
    const page = found.slice(0, limit);
    return c.json(pageWithCursor(page.map(present), found.length > limit ? page.at(-1)?.subject : undefined), 200);
  },
);

const request = { params: z.object({ subject: SubjectId }) };

ownDecisions.openapi(
  createRoute({
    method: "get",
    path: "/me/decisions/{subject}",
    summary: "Get what was decided about a post or comment of the viewer, or about their account",
    request,
    responses: { 200: json(OwnDecision), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    const row = await decisionAbout(c.var.reader, person, c.req.valid("param").subject);
    if (!row) throw new Refusal("decision_not_found");
    return c.json(present(row), 200);
  },
);

ownDecisions.openapi(
  createRoute({
    method: "post",
    path: "/me/decisions/{subject}/answer",
    summary: "Answer a decision, once",
    description: "A moderator reads the answer and decides again. Suspended people may answer too.",
    request: { ...request, ...body(Answer) },
    responses: { 200: json(OwnDecision), ...refusals },
  }),
  async (c) => {
    const { person } = await requireViewer(c);
    const { subject } = c.req.valid("param");
    const { text } = c.req.valid("json");
    await changeCase(c.var.reader, subject, { kind: "answer", text, by: person });
    c.var.reader.readPrimariesFromNowOn();
    const row = await decisionAbout(c.var.reader, person, subject);
    if (!row) throw new Refusal("decision_not_found");
    return c.json(present(row), 200);
  },
);

function present({ down, ...row }: DecisionRow): OwnDecision {
  const { subject, kind, post, excerpt, action, reason, until, sanction, decidedAt } = row;
  const { appeal, appealedAt, answer } = row;
  return {
    subject,
    kind,
    excerpt,
    action,
    reason,
    at: timestamp(decidedAt),
    inForce: isInForce({ ...row, down: down === 1 }),
    mayAnswer: mayAnswer(row),
    ...(post !== null && { post }),
    ...(sanction === "suspend" && until !== null && { until: timestamp(until) }),
    ...(appeal !== null && { appeal: { text: appeal, at: timestamp(appealedAt ?? 0) } }),
    ...(answer !== null && { answer }),
  };
}

const timestamp = (at: number): string => new Date(at).toISOString();
