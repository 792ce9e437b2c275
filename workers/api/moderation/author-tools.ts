/** What authors do about comments on their own posts. */
import { createRoute, z } from "@hono/zod-openapi";
import { CommentRules, FilterWords, Removing, Restricted } from "../../../schema/api/moderation.ts";
import { Handle } from "../../../schema/api/people.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { body, claimedViewer, json, refusals, routes } from "../../http/routes.ts";
import { rulesOf, setRestricted, setWords } from "../../moderation/comment-rules.ts";
import { beginRemoval } from "../../moderation/remove-comments.ts";
import { personDocuments } from "../../reads/documents.ts";
import { personByHandle } from "../../reads/people.ts";
import type { Reader } from "../../storage/reader.ts";

export const authorTools = routes();
const request = { params: z.object({ handle: Handle }) };

for (const { wanted, ...operation } of [
  {
    method: "put",
    wanted: true,
    summary: "Restrict a person",
    description:
      "From now on only they and the viewer see what they comment on the viewer's posts, until the viewer shows it. " +
      "They do not learn of it.",
  },
  { method: "delete", wanted: false, summary: "Restrict a person no longer", description: "Hidden comments stay so." },
] as const) {
  authorTools.openapi(
    createRoute({
      ...operation,
      path: "/people/{handle}/restriction",
      request,
      responses: { 200: json(Restricted), ...refusals },
    }),
    async (c) => {
      const { person } = claimedViewer(c);
      const other = await otherThan(c.var.reader, person, c.req.valid("param").handle);
      await setRestricted(c.var.reader, person, other, wanted);
      return c.json({ restrictedByMe: wanted }, 200);
    },
  );
}

authorTools.openapi(
  createRoute({
    method: "get",
    path: "/me/comment-rules",
    summary: "Get the people whom the viewer restricts, and the words that hold comments back",
    responses: { 200: json(CommentRules), ...refusals },
  }),
  async (c) => c.json(await presentRules(c.var.reader, claimedViewer(c).person), 200),
);

authorTools.openapi(
  createRoute({
    method: "put",
    path: "/me/comment-rules/words",
    summary: "Set the words that hold comments on the viewer's posts back",
    description:
      "Only the viewer and its writer see such a comment, until the viewer shows it. Replaces earlier words.",
    request: body(FilterWords),
    responses: { 200: json(CommentRules), ...refusals },
  }),
  async (c) => {
    const { person } = claimedViewer(c);
    await setWords(c.var.reader, person, [...new Set(c.req.valid("json").words)]);
    return c.json(await presentRules(c.var.reader, person), 200);
  },
);

authorTools.openapi(
  createRoute({
    method: "delete",
    path: "/me/posts/comments/{handle}",
    summary: "Delete all comments of a person on the viewer's posts",
    description: "They go one after the other, within seconds. Cannot be undone.",
    request,
    responses: { 202: json(Removing, "They are being deleted"), ...refusals },
  }),
  async (c) => {
    const { person: by } = claimedViewer(c);
    const person = await otherThan(c.var.reader, by, c.req.valid("param").handle);
    await beginRemoval(c.var.reader, person, { by });
    return c.json({ removing: true as const }, 202);
  },
);

/** Returns the person whom a handle names. Throws `person_not_found`, or `cannot_restrict_yourself`. */
async function otherThan(reader: Reader, viewer: PersonId, handle: string): Promise<PersonId> {
  const other = await personByHandle(reader, handle);
  if (!other) throw new Refusal("person_not_found");
  if (other === viewer) throw new Refusal("cannot_restrict_yourself");
  return other;
}

async function presentRules(reader: Reader, person: PersonId): Promise<CommentRules> {
  const { restricted = [], words = [] } = await rulesOf(reader, person);
  const cards = await personDocuments.get(reader, restricted);
  return { restricted: restricted.flatMap((id) => cards.get(id) ?? []), words: [...words] };
}
