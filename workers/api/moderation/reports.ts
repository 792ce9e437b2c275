import { createRoute } from "@hono/zod-openapi";
import { NewReport, Reported } from "../../../schema/api/moderation.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import type { CommentId, PostId } from "../../../schema/ids.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import { sql } from "drizzle-orm";
import { people } from "../../../schema/tables/people.ts";
import { requireNoBlockOn } from "../../reads/comments.ts";
import { claimantSeenBy, seenPerson } from "../../reads/people.ts";
import { requireAccess, viewablePost } from "../../reads/posts.ts";
import type { Reader } from "../../storage/reader.ts";
import { reportStatements, type Subject } from "../../moderation/reports.ts";
import { body, json, refusals, routes, requireViewer } from "../../http/routes.ts";

export const reports = routes();

reports.openapi(
  createRoute({
    method: "post",
    path: "/reports",
    summary: "Report a post, a comment or a person to the moderators",
    description: "Nobody learns who has reported what. Reporting the same again changes the reason and the words.",
    request: body(NewReport),
    responses: { 202: json(Reported, "The moderators will look at it"), ...refusals },
  }),
  async (c) => {
    const { reader } = c.var;
    const { person: reporter } = await requireViewer(c);
    const { post, comment, person, reason, words } = c.req.valid("json");
    const subject = await subjectOf(reader, post, comment, person);
    if (subject.person === reporter) throw new Refusal("cannot_report_yourself");
    await reader.write(subject.id, reportStatements(subject, reporter, { reason, words }));
    return c.json({ reported: true as const }, 202);
  },
);

/** Returns what the viewer may see and reports, as it is now. Costs one or two D1 queries; for a comment an actor call. */
async function subjectOf(
  reader: Reader,
  post: PostId | undefined,
  comment: CommentId | undefined,
  handle: string | undefined,
): Promise<Subject> {
  if (post && comment) {
    await requireAccess(reader, post);
    await requireNoBlockOn(reader, post, comment);
    const result = await reader.env.POSTS.getByName(post).reported(comment);
    if (!result.ok) throw new Refusal(result.reason);
    const { author, text, parent } = result.comment;
    return { id: comment, kind: "comment", post, parent, person: author, content: { text } };
  }
  if (post) {
    const { document } = await viewablePost(reader, post);
    const { author, caption: text, media } = document;
    return { id: post, kind: "post", post, parent: "", person: author, content: { text, media } };
  }
  if (handle === undefined) throw new Refusal("invalid_request");
  const { person } = await seenPerson(reader, await claimantSeenBy(reader, handle), handle);
  const [content] = await reader.replica<ShownPerson>(person, SHOWN, person);
  if (!content) throw new Refusal("person_not_found");
  return { id: person, kind: "person", post: null, parent: "", person, content };
}

type ShownPerson = Pick<typeof people.$inferSelect, "handle" | "name" | "bio" | "picture">;
const SHOWN = textOf(sql`
  SELECT ${people.handle}, ${people.name}, ${people.bio}, ${people.picture} FROM ${people} WHERE ${people.id} = ?1`);
