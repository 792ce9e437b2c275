/** Links that the operator issues to people who have lost their password. */
import { createRoute } from "@hono/zod-openapi";
import { NewResetLink, ResetLink } from "../../../schema/api/accounts.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { claimantOf, personExists } from "../../reads/people.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";
import { issueLink } from "../accounts/recovery.ts";

export const resetLinks = routes();

// Costs two D1 queries and one batch.
resetLinks.openapi(
  createRoute({
    method: "post",
    path: "/reset-links",
    summary: "Issue a link with which a person can choose a new password",
    description: "It works once, for an hour. Earlier links of the person stop working.",
    request: body(NewResetLink),
    responses: { 201: json(ResetLink, "Issued"), ...refusals },
  }),
  async (c) => {
    const { handle } = c.req.valid("json");
    const person = await claimantOf(c.env, handle);
    if (!person || !(await personExists(c.env, person, handle))) throw new Refusal("person_not_found");
    const { link, expiresAt } = await issueLink(c.env, person);
    // After the #, so that it reaches no server log and no other site.
    return c.json({ path: `/reset#${link}`, expiresAt: new Date(expiresAt).toISOString() }, 201);
  },
);
