/** The moderators' queue, their decisions, and the operators' log of them. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PageQuery } from "../../../schema/api/common.ts";
import {
  Case,
  CasePage,
  type Content,
  type LogEntry,
  LogPage,
  NewDecision,
  Restoration,
} from "../../../schema/api/moderation.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import type { LogId, PersonId } from "../../../schema/ids.ts";
import { SubjectId } from "../../../schema/moderation.ts";
import { cursorId, decodeCursor, encodeCursor, idOfCursor, pageWithCursor } from "../../http/cursors.ts";
import { type App, body, json, refusals, routes } from "../../http/routes.ts";
import { changeCase, openCases, type ReportedCase, reportedCase, type StoredContent } from "../../moderation/cases.ts";
import { isInForce } from "../../moderation/case-states.ts";
import { newestActs } from "../../moderation/log.ts";
import { requireRole } from "../../moderation/roles.ts";
import { personDocuments } from "../../reads/documents.ts";
import { shownMedia } from "../../reads/media-urls.ts";
import { type Signatures, signaturesOf } from "../../reads/private-media.ts";
import type { Reader } from "../../storage/reader.ts";

export const moderation = routes();

moderation.openapi(
  createRoute({
    method: "get",
    path: "/moderation/queue",
    summary: "List what waits for a moderator, longest first",
    description: "For moderators. Reports and answers to decisions.",
    request: { query: PageQuery },
    responses: { 200: json(CasePage), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    await requireRole(reader, "moderator");
    const { cursor, limit } = c.req.valid("query");
    const found = await openCases(reader, placeOf(cursor), limit + 1);
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    const items = await presentCases(reader, page);
    return c.json({ items, ...(last && { next: encodeCursor([String(last.openedAt), last.subject]) }) }, 200);
  },
);

const request = { params: z.object({ subject: SubjectId }) };

moderation.openapi(
  createRoute({
    method: "get",
    path: "/moderation/cases/{subject}",
    summary: "Get the case of a post, comment or person",
    description: "For moderators.",
    request,
    responses: { 200: json(Case), ...refusals },
  }),
  async (c) => {
    await requireRole(c.var.reader, "moderator");
    return c.json(await presentCase(c, c.req.valid("param").subject), 200);
  },
);

moderation.openapi(
  createRoute({
    method: "post",
    path: "/moderation/cases/{subject}/decision",
    summary: "Decide about a case",
    description:
      "For moderators, who cannot decide about themselves. The person concerned is notified with the reason, unless " +
      "everything stays. `already_decided`: another decision came first.",
    request: { ...request, ...body(NewDecision) },
    responses: { 200: json(Case), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const by = await requireRole(reader, "moderator");
    const { subject } = c.req.valid("param");
    const { until, ...decision } = c.req.valid("json");
    const end = until === undefined ? undefined : Date.parse(until);
    await changeCase(reader, subject, { kind: "decide", by, until: end, ...decision });
    return c.json(await presentCase(c, subject), 200);
  },
);

moderation.openapi(
  createRoute({
    method: "post",
    path: "/moderation/cases/{subject}/restore",
    summary: "Undo what a case has hidden, taken down or suspended",
    description: "For moderators. Everything is as if it had never been decided; a warning stays.",
    request: { ...request, ...body(Restoration) },
    responses: { 200: json(Case), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const by = await requireRole(reader, "moderator");
    const { subject } = c.req.valid("param");
    await changeCase(reader, subject, { kind: "restore", by, ...c.req.valid("json") });
    return c.json(await presentCase(c, subject), 200);
  },
);

moderation.openapi(
  createRoute({
    method: "get",
    path: "/moderation/log",
    summary: "List the acts of moderators, newest first",
    description: "For operators. Entries never change and are kept for a year.",
    request: { query: PageQuery },
    responses: { 200: json(LogPage), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    await requireRole(reader, "operator");
    const { cursor, limit } = c.req.valid("query");
    const found = await newestActs(reader, idOfCursor<LogId>(cursor), limit + 1);
    const page = found.slice(0, limit);
    const named = page.flatMap(({ actor, person }) => (actor === null ? [person] : [actor, person]));
    const cards = await personDocuments.get(reader, named);
    const items = page.map(({ at, actor, person, details, ...act }): LogEntry => ({
      ...act,
      at: timestamp(at),
      actor: actor === null ? null : (cards.get(actor) ?? unknown(actor)),
      person: cards.get(person) ?? null,
      details: JSON.parse(details) as LogEntry["details"],
    }));
    return c.json(pageWithCursor(items, found.length > limit ? page.at(-1)?.id : undefined), 200);
  },
);

/** A person who is gone. The log still says whose act it was. */
const unknown = (id: PersonId) => ({ id, handle: "unknown", name: id });

const timestamp = (at: number): string => new Date(at).toISOString();

function placeOf(cursor: string | undefined): { openedAt: number; subject: string } | undefined {
  if (cursor === undefined) return undefined;
  const [at, subject] = decodeCursor(cursor, 2);
  if (!/^\d{1,15}$/.test(at)) throw new Refusal("invalid_cursor");
  return { openedAt: Number(at), subject: cursorId(subject) };
}

async function presentCase(c: Context<App>, subject: SubjectId): Promise<Case> {
  const { reader } = c.var;
  const found = await reportedCase(reader, subject);
  const [shown] = found ? await presentCases(reader, [found]) : [];
  if (!shown) throw new Refusal("case_not_found");
  return shown;
}

/** Presents cases. Their pictures have URLs for this moderator alone. Leaves out cases of people who are gone. */
async function presentCases(reader: Reader, found: readonly ReportedCase[]): Promise<Case[]> {
  const files = found.flatMap(({ reported, current }) => [...(reported.media ?? []), ...(current?.media ?? [])]);
  const [cards, signatures] = await Promise.all([
    personDocuments.get(
      reader,
      found.flatMap(({ person, decidedBy }) => (decidedBy === null ? [person] : [person, decidedBy])),
    ),
    signaturesOf(
      reader,
      files.map(({ id }) => id),
    ),
  ]);
  return found.flatMap((row) => {
    const person = cards.get(row.person);
    return person
      ? [present(row, person, row.decidedBy === null ? undefined : cards.get(row.decidedBy), signatures)]
      : [];
  });
}

function present(
  row: ReportedCase,
  person: Case["person"],
  decidedBy: Case["decidedBy"],
  signatures: Signatures,
): Case {
  const { subject, kind, post, reports, reasons, words, reported, current, openedAt, open, version } = row;
  const { action, reason, until, sanction, decidedAt, appeal, appealedAt, answer } = row;
  return {
    subject,
    kind,
    person,
    reports,
    reasons,
    words: words.map(({ at, ...said }) => ({ ...said, at: timestamp(at) })),
    content: shown(reported, signatures),
    current: current && shown(current, signatures),
    edited: current !== null && wordsOf(current) !== wordsOf(reported),
    openedAt: timestamp(openedAt),
    open,
    version,
    inForce: isInForce(row),
    ...(post !== null && { post }),
    ...(action !== null && { action, reason }),
    ...(sanction === "suspend" && until !== null && { until: timestamp(until) }),
    ...(decidedBy && { decidedBy }),
    ...(decidedAt !== null && { decidedAt: timestamp(decidedAt) }),
    ...(appeal !== null && { appeal: { text: appeal, at: timestamp(appealedAt ?? 0) } }),
    ...(answer !== null && { answer }),
  };
}

const wordsOf = ({ text, handle, name, bio, picture, media }: StoredContent): string =>
  JSON.stringify([text, handle, name, bio, picture, media?.map(({ id, alt }) => [id, alt])]);

const shown = ({ media, ...content }: StoredContent, signatures: Signatures): Content => ({
  ...content,
  ...(media && { media: media.map((file) => shownMedia(file, signatures.get(file.id))) }),
});
