/** Closing one's own account. */
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { CloseAccount } from "../../../schema/api/closings.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { credentials } from "../../../schema/tables/people.ts";
import { closeAccount } from "../../closing/close.ts";
import { body, refusals, requireViewer, routes } from "../../http/routes.ts";
import { forgetPublicResponsesOf } from "../../responses/public-responses.ts";
import { countProof } from "../sessions/attempts.ts";
import { verifyPassword } from "../../passwords/passwords.ts";
import { forgetSession } from "../sessions/tokens.ts";
import { endSession } from "../sessions/viewer.ts";

export const closing = routes();

closing.openapi(
  createRoute({
    method: "delete",
    path: "/me",
    summary: "Close the viewer's account for good",
    description:
      "Needs the password. From the response on, the person and their posts are found by nobody, all their sessions and " +
      "sockets have ended, and nobody can sign in. Their likes, comments and follows go within minutes, their files too. " +
      "This cannot be undone; nobody can take the handle for 30 days.",
    request: body(CloseAccount),
    responses: { 204: { description: "Closed" }, ...refusals },
  }),
  async (c) => {
    const { person, session } = await requireViewer(c);
    const stored = await passwordOf(c.env, person);
    if (stored === undefined) throw new Refusal("not_signed_in"); // Closed a moment ago.
    await countProof(c, person);
    if (!(await verifyPassword(c.req.valid("json").password, stored))) throw wrongPassword();
    if (!(await closeAccount(c.env, person))) throw new Refusal("not_signed_in");
    forgetPublicResponsesOf(person);
    forgetSession(session);
    endSession(c);
    return c.body(null, 204);
  },
);

function wrongPassword(): Refusal {
  const message = "Your password is wrong. Check it and try again.";
  return new Refusal("wrong_credentials", message, [{ path: "password", message }]);
}

const passwordOf = async (env: Env, person: PersonId): Promise<string | undefined> =>
  (await databaseOf(env, person).first<{ password: string }>(PASSWORD, person))?.password;

const PASSWORD = textOf(sql`
  SELECT ${credentials.password} FROM ${credentials} WHERE ${credentials.person} = ?1`);
