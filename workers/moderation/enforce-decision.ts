/** The effect of a decision: changes the content and the person concerned, and tells them. */
import { sql } from "drizzle-orm";
import { statement, type Statement } from "../../schema/d1/database.ts";
import { markTakeDown } from "../../schema/d1/exclusion-marks.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { bare, excluded, literal, rowsOf, takeExcluded, textOf } from "../../schema/d1/sql.ts";
import type { Effect } from "../../schema/messages/effects.ts";
import { FOREVER } from "../../schema/moderation.ts";
import type { CommentId, PersonId, PostId } from "../../schema/ids.ts";
import { type CaseRow, decisions } from "../../schema/tables/moderation.ts";
import { notifications } from "../../schema/tables/notifications.ts";
import { people } from "../../schema/tables/people.ts";
import { excerpt } from "../../schema/text.ts";
import { publishedMedia } from "../media/serving/published.ts";
import { kindSql } from "../notifications/notification-rules.ts";
import { checkSockets } from "../notifications/socket-hints.ts";
import { postStatements } from "../projector/post-rows.ts";
import { project } from "../projector/projector.ts";
import { announce } from "../push/announce.ts";
import { audiences, personDocuments } from "../reads/documents.ts";
import { dropPost, dropPostsBy } from "../reads/stored-posts.ts";
import { forgetPublicResponses, forgetPublicResponsesOf } from "../responses/public-responses.ts";
import { deleteEffect } from "../storage/effects.ts";

const EXCERPT_MAX = 140; // graphemes

/**
 * Applies the present state of a case: to the post or comment through its actor, and to the person in their database. May
 * run again, late, or at the same time as a newer one: each part keeps the version it was decided by. Costs up to one
 * actor call, two D1 batches for the content, and one batch for the person.
 */
export async function enforceDecision(
  env: Env,
  { id, subject }: Pick<Extract<Effect, { kind: "moderation" }>, "id" | "subject">,
  row: CaseRow | undefined,
): Promise<void> {
  if (row && row.action !== null) {
    if (row.kind === "post") await applyToPost(env, subject as PostId, row);
    if (row.kind === "comment" && row.post) await applyToComment(env, row.post, subject as CommentId, row);
    if (row.action !== "keep") await applyToPerson(env, { ...row, action: row.action });
  }
  await deleteEffect(env, id);
}

async function applyToPost(env: Env, post: PostId, { version, down }: CaseRow): Promise<void> {
  const result = await env.POSTS.getByName(post).takeDown(version, down);
  if (!result.ok) return; // It was deleted.
  const { author, body, standing, confirmed } = result;
  const { statements } = postStatements([{ post, author, from: 0, to: 0, confirmed, standing }]);
  const database = databaseOf(env, post).patient;
  const { bookmark } = await database.inSession(statements, "first-primary");
  const marks = markTakeDown(env, author, bookmark);
  if (marks.length > 0) await database.batch(marks);
  await Promise.all(body.media.map((file) => publishedMedia.forget(env, file.id)));
  audiences.drop(author);
  dropPost(post);
  dropPostsBy(author);
  forgetPublicResponses(post);
  forgetPublicResponsesOf(author);
}

async function applyToComment(env: Env, post: PostId, comment: CommentId, { version, down }: CaseRow): Promise<void> {
  const result = await env.POSTS.getByName(post).moderateComment(comment, version, down);
  if (!result.ok) return;
  if (result.facts) await project(env, [result.facts]);
  dropPost(post);
  forgetPublicResponses(post);
}

async function applyToPerson(env: Env, row: CaseRow & { action: NonNullable<CaseRow["action"]> }): Promise<void> {
  const { person, subject, reason, revision, version, decidedAt } = row;
  const content = JSON.parse(row.content) as { text?: string; name?: string };
  const copy: typeof COPY.Row = {
    ...row,
    version: revision,
    excerpt: excerpt(content.text ?? content.name ?? "", EXCERPT_MAX),
    decidedAt: decidedAt ?? 0,
  };
  await databaseOf(env, person).patient.batch([
    statement(SAVE, JSON.stringify(copy)),
    ...sanctionStatements(person),
    statement(NOTIFY, person, subject, excerpt(reason, EXCERPT_MAX), version, decidedAt),
  ]);
  audiences.drop(person);
  dropPostsBy(person);
  forgetPublicResponsesOf(person);
  await personDocuments.forget(env, person); // A closed account shows no picture.
  await Promise.all([announce(env, [{ recipient: person, kind: "moderation", subject }]), checkSockets(env, [person])]);
}

const COPY = rowsOf(decisions, [
  "person",
  "subject",
  "kind",
  "post",
  "excerpt",
  "version",
  "down",
  "sanction",
  "until",
  "action",
  "reason",
  "decidedAt",
  "appeal",
  "appealedAt",
  "answer",
]);
const SAVE = textOf(sql`
  INSERT INTO ${decisions} (${COPY.columns}) SELECT ${COPY.values} FROM (SELECT ?1 AS value) WHERE true
  ON CONFLICT DO UPDATE SET ${takeExcluded(
    decisions.version,
    decisions.down,
    decisions.sanction,
    decisions.until,
    decisions.action,
    decisions.reason,
    decisions.decidedAt,
    decisions.appeal,
    decisions.appealedAt,
    decisions.answer,
  )}
  WHERE ${excluded(decisions.version)} > ${decisions.version}`);

/** Makes the person's row follow from all decisions about them, so that undoing one leaves the others in force. */
const sanctionStatements = (person: PersonId): Statement[] => [statement(SANCTION, person)];
const SANCTION = textOf(sql`
  UPDATE ${people} SET (${bare(people.suspendedUntil)}, ${bare(people.barred)}) = (
    SELECT coalesce(max(iif(${decisions.sanction} = 'close', ${literal(FOREVER)}, ${decisions.until})), 0),
      coalesce(max(${decisions.sanction} = 'close'), 0)
    FROM ${decisions} WHERE ${decisions.person} = ?1 AND ${decisions.sanction} <> 'none')
  WHERE ${people.id} = ?1`);

const NOTIFY = textOf(sql`
  INSERT INTO ${notifications} (recipient, kind, subject, actors, count, excerpt, version, raised, at)
  VALUES (?1, ${kindSql("moderation")}, ?2, '[]', 1, ?3, ?4, ?4, ?5)
  ON CONFLICT DO UPDATE SET
    ${takeExcluded(notifications.excerpt, notifications.version, notifications.raised, notifications.at)}
  WHERE ${excluded(notifications.version)} > ${notifications.version}`);
